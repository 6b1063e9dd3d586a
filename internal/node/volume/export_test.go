package volume

// NewOnDisk is New without a tmpfs, so that tests mount nothing on the machine
// that runs them, and behave as for users who may not mount.
var NewOnDisk = newManager
