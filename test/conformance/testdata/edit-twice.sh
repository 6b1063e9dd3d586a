# An editor that makes a port impossible, and when it is called again keeps
# what it was shown and changes nothing.
if grep -q '^# services' "$1"; then
	cp "$1" "$DIR/second"
else
	sed -i 's/port: 88$/port: 88888/' "$1"
fi
