package podspec

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// login is one entry of a Docker configuration.
type login struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	RegistryToken string `json:"registrytoken"`
}

// Credentials are those of pull secrets that are for an image's registry, the
// most exact first. Secrets of other types have none; in the error are the
// names of those that cannot be read.
func Credentials(secrets []*corev1.Secret, image string) ([]podrun.Auth, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, err
	}
	place := ref.Context().RegistryStr() + "/" + ref.Context().RepositoryStr()
	type match struct {
		key  string
		auth podrun.Auth
	}
	var matches []match
	var damaged []string
	for _, s := range secrets {
		logins, err := loginsOf(s)
		if err != nil {
			damaged = append(damaged, s.Name)
		}
		for key, l := range logins {
			if key = registryKey(key); covers(key, place) {
				matches = append(matches, match{key, l.auth()})
			}
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return strings.Compare(b.key, a.key) })
	var list []podrun.Auth
	for _, m := range matches {
		if m.auth != (podrun.Auth{}) {
			list = append(list, m.auth)
		}
	}
	if damaged != nil {
		return list, fmt.Errorf("these pull secrets are no Docker configuration: %s", strings.Join(damaged, ", "))
	}
	return list, nil
}

// loginsOf reads a secret of one of the two types.
func loginsOf(s *corev1.Secret) (map[string]login, error) {
	var logins map[string]login
	switch s.Type {
	case corev1.SecretTypeDockercfg:
		return logins, json.Unmarshal(s.Data[corev1.DockerConfigKey], &logins)
	case corev1.SecretTypeDockerConfigJson:
		var file struct {
			Auths map[string]login `json:"auths"`
		}
		err := json.Unmarshal(s.Data[corev1.DockerConfigJsonKey], &file)
		return file.Auths, err
	}
	return nil, nil
}

func (l login) auth() podrun.Auth {
	a := podrun.Auth{Username: l.Username, Password: l.Password, Token: l.RegistryToken}
	if a.Username == "" && l.Auth != "" {
		// What is no base64 is no credential.
		if text, err := base64.StdEncoding.DecodeString(l.Auth); err == nil {
			a.Username, a.Password, _ = strings.Cut(string(text), ":")
		}
	}
	return a
}

// registryKey is a registry, and perhaps the beginning of a repository's name,
// in one form for all ways to write it.
func registryKey(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key = strings.TrimSuffix(key, "/")
	key = strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
	host, rest, _ := strings.Cut(key, "/")
	if host == "docker.io" || host == "registry-1.docker.io" {
		host = name.DefaultRegistry
	}
	return strings.TrimSuffix(host+"/"+rest, "/")
}

// covers says whether a key is for an image's place. A * in its host stands
// for any part between two dots.
func covers(key, place string) bool {
	keyHost, keyPath, _ := strings.Cut(key, "/")
	host, repository, _ := strings.Cut(place, "/")
	patterns, parts := strings.Split(keyHost, "."), strings.Split(host, ".")
	if len(patterns) != len(parts) {
		return false
	}
	for i := range parts {
		if ok, err := path.Match(patterns[i], parts[i]); !ok || err != nil {
			return false
		}
	}
	return keyPath == "" || repository == keyPath || strings.HasPrefix(repository, keyPath+"/")
}
