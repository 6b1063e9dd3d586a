package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/types"
)

// Unmount removes all volumes of a pod, with what is in them. It is no error if
// there are none.
func (m *Manager) Unmount(uid types.UID) error {
	m.mu.Lock()
	p := m.pods[uid]
	m.mu.Unlock()
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.gone, p.tokens = true, nil
	}
	m.objects.hold(uid, nil)
	if err := m.remove(string(uid)); err != nil {
		return fmt.Errorf("removing the volumes of pod %s: %w", uid, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pods[uid] == p {
		delete(m.pods, uid)
	}
	m.stale.Forget(uid)
	return nil
}

// remove takes what is below the directories of a name away. A mount that a
// container made there is taken off before, so that nothing in it is lost.
func (m *Manager) remove(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	var errs []error
	for _, dir := range []string{filepath.Join(m.disk(), name), filepath.Join(m.memory(), name)} {
		if err := unmountBelow(dir); err != nil {
			errs = append(errs, err) // and nothing is removed through it
			continue
		}
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// Keep removes the volumes of all pods for which keep returns false, such as
// those of pods that went while no agent ran.
func (m *Manager) Keep(keep func(uid types.UID) bool) error {
	var errs []error
	for _, dir := range []string{m.disk(), m.memory()} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("looking for volumes that are left: %w", err))
		}
		for _, entry := range entries {
			if uid := types.UID(entry.Name()); !keep(uid) {
				errs = append(errs, m.Unmount(uid))
			}
		}
	}
	return errors.Join(errs...)
}

// Clear removes the volumes of all pods, when no agent runs and none is to come.
// dir is Config.Dir.
func Clear(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	dir, err := settle(dir)
	if err == nil {
		err = unmountBelow(dir)
	}
	if err != nil {
		return fmt.Errorf("removing all volumes: %w", err)
	}
	return os.RemoveAll(dir)
}
