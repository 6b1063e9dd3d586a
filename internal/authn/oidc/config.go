package oidc

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	"k8s.io/apiserver/pkg/authentication/cel"
)

// Parse reads an AuthenticationConfiguration (apiserver.config.k8s.io/v1 and the
// betas before it). Unknown fields are errors. disallowed names issuers that may
// not be configured: the cluster's own.
func Parse(data []byte, disallowed ...string) (*apiserver.AuthenticationConfiguration, error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty, want an AuthenticationConfiguration")
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	decoded, err := runtime.Decode(codecs.UniversalDecoder(), data)
	if err != nil {
		return nil, err
	}
	config, ok := decoded.(*apiserver.AuthenticationConfiguration)
	if !ok {
		return nil, fmt.Errorf("want an AuthenticationConfiguration, got %T", decoded)
	}
	if err := validation.ValidateAuthenticationConfiguration(cel.NewDefaultCompiler(), config, disallowed).ToAggregate(); err != nil {
		return nil, err
	}
	return config, nil
}
