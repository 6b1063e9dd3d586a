package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

// damaged adds to an error what there is to do about it.
func damaged(err error) error {
	return fmt.Errorf("%w: the data is damaged, or of another version: put a copy of the directory aside and restore it from a backup", err)
}

// probe looks at every page of the database, as opening it for writing does.
// That happens in a goroutine of the library, where a damaged page ends the
// process; here it is an error. A database that is not there yet is none.
func probe(path string) (err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file is mapped, and may end too early
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading %s: %v", path, r)
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, bucket *bolt.Bucket) error {
			bucket.Stats() // reads all its pages
			return nil
		})
	})
}
