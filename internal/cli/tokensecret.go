package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/internal/authn/bootstrap"
)

// tokenInfo is a bootstrap token without its secret.
type tokenInfo struct {
	ID          string     `json:"id"`
	Expires     *time.Time `json:"expires,omitempty"`
	Usages      string     `json:"usages"`
	Description string     `json:"description,omitempty"`
}

const (
	tokenUsage      = "usage-bootstrap-"
	tokenExpiration = "expiration"
)

// createToken makes a bootstrap token and returns it. A life of zero does not end.
func createToken(ctx context.Context, client kubernetes.Interface, life time.Duration, description string) (string, error) {
	const idLength, secretLength = 6, 16
	text := strings.ToLower(rand.Text())
	id, secret := text[:idLength], strings.ToLower(rand.Text())[:secretLength]
	data := map[string]string{
		"token-id": id, "token-secret": secret,
		tokenUsage + "authentication": "true", tokenUsage + "signing": "true",
	}
	if life > 0 {
		data[tokenExpiration] = time.Now().Add(life).UTC().Format(time.RFC3339)
	}
	if description != "" {
		data["description"] = description
	}
	_, err := client.CoreV1().Secrets(metav1.NamespaceSystem).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: bootstrap.SecretPrefix + id}, Type: corev1.SecretTypeBootstrapToken, StringData: data,
	}, metav1.CreateOptions{})
	return id + "." + secret, err
}

// listTokens is all bootstrap tokens, those that end first before others.
func listTokens(ctx context.Context, client kubernetes.Interface) ([]tokenInfo, error) {
	found, err := client.CoreV1().Secrets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{
		FieldSelector: "type=" + string(corev1.SecretTypeBootstrapToken),
	})
	if err != nil {
		return nil, err
	}
	all := []tokenInfo{}
	for _, secret := range found.Items {
		token := tokenInfo{ID: string(secret.Data["token-id"]), Description: string(secret.Data["description"])}
		if end, err := time.Parse(time.RFC3339, string(secret.Data[tokenExpiration])); err == nil {
			token.Expires = &end
		}
		var usages []string
		for key, value := range secret.Data {
			if usage, ok := strings.CutPrefix(key, tokenUsage); ok && string(value) == "true" {
				usages = append(usages, usage)
			}
		}
		slices.Sort(usages)
		token.Usages = strings.Join(usages, ",")
		all = append(all, token)
	}
	slices.SortFunc(all, func(a, b tokenInfo) int {
		switch {
		case a.Expires == nil || b.Expires == nil:
			if a.Expires == nil && b.Expires == nil {
				return strings.Compare(a.ID, b.ID)
			}
			if b.Expires == nil {
				return -1
			}
			return 1
		}
		return a.Expires.Compare(*b.Expires)
	})
	return all, nil
}

// deleteToken deletes a token by its ID or by all of it, and returns the ID. No
// message repeats more than that.
func deleteToken(ctx context.Context, client kubernetes.Interface, token string) (string, error) {
	id, _, _ := strings.Cut(token, ".")
	err := client.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, bootstrap.SecretPrefix+id, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return id, fmt.Errorf("there is no token with the ID %q", id)
	}
	return id, err
}

// meeting is where a machine that joins finds the API server, and by what it
// knows it.
type meeting struct{ server, hash string }

// meetingPlace is what the cluster says of itself to newcomers.
func meetingPlace(ctx context.Context, client kubernetes.Interface) (meeting, error) {
	told, err := client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, "cluster-info", metav1.GetOptions{})
	if err != nil {
		return meeting{}, fmt.Errorf("find out where machines join: %w", err)
	}
	config, err := clientcmd.Load([]byte(told.Data["kubeconfig"]))
	if err != nil {
		return meeting{}, fmt.Errorf("read the config map kube-public/cluster-info: %w", err)
	}
	for _, cluster := range config.Clusters {
		hash, err := authorityHash(cluster.CertificateAuthorityData)
		if err != nil {
			return meeting{}, fmt.Errorf("read the config map kube-public/cluster-info: %w", err)
		}
		if u, err := url.Parse(cluster.Server); err == nil {
			if address, err := netip.ParseAddr(u.Hostname()); err == nil && address.IsLoopback() {
				return meeting{}, fmt.Errorf("the API server is at %s, where other machines do not reach it: start \"causeway up\" with another --listen or --advertise-address", cluster.Server)
			}
		}
		return meeting{cluster.Server, hash}, nil
	}
	return meeting{}, errors.New("the config map kube-public/cluster-info names no cluster")
}

// authorityHash is the SHA-256 of the authority's public key, as kubeadm gives it.
func authorityHash(text []byte) (string, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", errors.New("it has no authority")
	}
	authority, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(authority.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
