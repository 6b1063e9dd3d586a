package cluster

import (
	_ "embed"
	"fmt"
	"io"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/plugin/pkg/audit/buffered"
	auditlog "k8s.io/apiserver/plugin/pkg/audit/log"

	"gopkg.in/natefinch/lumberjack.v2"
)

// auditPolicy is what is recorded unless the operator says otherwise.
//
//go:embed audit-policy.yaml
var auditPolicy []byte

// Sizes of the audit log: 100 MB a file, ten old ones.
const (
	auditFileMB  = 100
	auditBackups = 10
)

// auditing builds the log and the rules of what goes into it. Events are
// written in batches, off the way of the requests.
func (c *Cluster) auditing() (audit.Backend, audit.PolicyRuleEvaluator, error) {
	p, err := policy.LoadPolicyFromBytes(auditPolicy)
	if c.AuditPolicy != "" {
		p, err = policy.LoadPolicyFromFile(c.AuditPolicy)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--audit-policy-file: %w", err)
	}
	var file io.Writer = &lumberjack.Logger{ // opens with mode 0600
		Filename: c.path("audit.log"), MaxSize: auditFileMB, MaxBackups: auditBackups,
	}
	backend := buffered.NewBackend(auditlog.NewBackend(file, auditlog.FormatJson, auditv1.SchemeGroupVersion), buffered.BatchConfig{
		BufferSize: 10000, MaxBatchSize: 500, MaxBatchWait: 200 * time.Millisecond,
	})
	return backend, policy.NewPolicyRuleEvaluator(p), nil
}
