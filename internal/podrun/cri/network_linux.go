package cri

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// networkFile is ours among the configurations of pods' network. Runtimes take
// the first in the order of the alphabet.
const networkFile = "10-causeway.conflist"

// The configuration of CNI, version 1.0.0, of the plugins ptp and host-local:
// a pair of interfaces and a route for each pod, as package ns makes them.
type (
	network struct {
		Version string   `json:"cniVersion"`
		Name    string   `json:"name"`
		Plugins []plugin `json:"plugins"`
	}
	plugin struct {
		Type string `json:"type"`
		IPAM ipam   `json:"ipam"`
	}
	ipam struct {
		Type    string    `json:"type"`
		Ranges  [][]space `json:"ranges"`
		Routes  []route   `json:"routes"`
		DataDir string    `json:"dataDir"`
	}
	space struct {
		Subnet string `json:"subnet"`
	}
	route struct {
		Dst string `json:"dst"`
	}
)

// configureNetwork writes where pods' addresses come from, if that is ours to say.
func (r *Runtime) configureNetwork() error {
	if r.config.CNIDir == "" || !r.config.PodCIDR.IsValid() {
		return nil
	}
	every := "0.0.0.0/0"
	if r.config.PodCIDR.Addr().Is6() {
		every = "::/0"
	}
	data, err := json.MarshalIndent(network{
		Version: "1.0.0", Name: "causeway",
		Plugins: []plugin{{Type: "ptp", IPAM: ipam{
			Type: "host-local", Ranges: [][]space{{{Subnet: r.config.PodCIDR.Masked().String()}}},
			Routes: []route{{every}}, DataDir: r.addressesDir(),
		}}},
	}, "", "  ")
	if err == nil {
		err = os.MkdirAll(r.config.CNIDir, 0o755)
	}
	if err == nil {
		err = replace(filepath.Join(r.config.CNIDir, networkFile), append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the configuration of pods' network: %w", err)
	}
	return nil
}

// addressesDir is where the plugins note who has which address.
func (r *Runtime) addressesDir() string { return filepath.Join(r.config.Root, "addresses") }

// forgetNetwork removes the configuration, if it is of this Root: another agent
// may have written it anew.
func (r *Runtime) forgetNetwork() error {
	path := filepath.Join(r.config.CNIDir, networkFile)
	data, err := os.ReadFile(path)
	if r.config.CNIDir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var n network
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	if err == nil && len(n.Plugins) == 1 && n.Plugins[0].IPAM.DataDir == r.addressesDir() {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("removing the configuration of pods' network: %w", err)
	}
	return nil
}

// replace writes a file in one step, if it is not so already.
func replace(path string, data []byte, mode os.FileMode) error {
	if now, err := os.ReadFile(path); err == nil && string(now) == string(data) {
		return nil
	}
	if err := os.WriteFile(path+".new", data, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
