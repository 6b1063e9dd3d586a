package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/bench/load"
)

// userName is who asks for the services. He may do that and nothing else, so
// that he is really authorised: an administrator would be let through before.
const userName = "bench"

// causewayName is the subject with a bearer token.
const causewayName = "causeway"

// startCauseway starts a cluster with the services, and returns its subjects:
// one with a bearer token, one with a client certificate.
func (b *bench) startCauseway(ctx context.Context) ([]*subject, error) {
	tokens := fmt.Sprintf("%s,%s,%s-uid\n", b.token, userName, userName)
	tokenFile, err := b.writeConfig("tokens.csv", tokens)
	if err != nil {
		return nil, err
	}
	var info struct{ AdminKubeconfig string }
	ready := func(context.Context) error {
		text, err := os.ReadFile(b.output("causeway"))
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &info)
	}
	s, err := b.startServer(ctx, "causeway", ready, b.Program, "up", "--node=false", "-o", "json", "--listen", causewayAddress,
		"--data-dir", filepath.Join(b.Dir, "causeway"), "--kubeconfig", filepath.Join(b.Dir, "kubeconfig"), "--token-auth-file", tokenFile)
	if err != nil {
		return nil, err
	}
	if b.admin, err = clientcmd.BuildConfigFromFlags("", info.AdminKubeconfig); err != nil {
		return nil, err
	}
	return b.causewaySubjects(ctx, s)
}

func (b *bench) causewaySubjects(ctx context.Context, s *server) ([]*subject, error) {
	client, err := kubernetes.NewForConfig(b.admin)
	if err != nil {
		return nil, err
	}
	if err := makeServices(ctx, client); err != nil {
		return nil, err
	}
	certificate, err := b.clientCertificate(ctx, client)
	if err != nil {
		return nil, err
	}
	preload, err := load.BuildPreload(ctx, b.Dir)
	if err != nil {
		return nil, err
	}
	if err := rest.LoadTLSFiles(b.admin); err != nil {
		return nil, err
	}
	roots, err := pool(b.admin.CAData)
	if err != nil {
		return nil, err
	}
	byToken := &subject{name: causewayName, address: causewayAddress, server: s, roots: roots}
	byToken.request.Authorization = "Bearer " + b.token
	byCertificate := &subject{name: "causeway, certificate", address: causewayAddress, server: s, roots: roots}
	byCertificate.request = load.Request{Certificate: certificate, Preload: preload}
	return []*subject{byToken, byCertificate}, nil
}
