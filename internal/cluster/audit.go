package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"

	"k8s.io/apiserver/pkg/audit/policy"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/causeway-access/causeway/internal/observe"
)

// auditPolicy is what is recorded unless the operator says otherwise.
//
//go:embed audit-policy.yaml
var auditPolicy []byte

// Sizes of the audit log and the access log: 100 MB a file, ten old ones.
const (
	logFileMB  = 100
	logBackups = 10
)

// prepareLogs opens the audit log, with the rules of what goes into it, and
// the access log. Both are written in batches, off the way of the requests.
func (c *Cluster) prepareLogs(context.Context) error {
	p, err := policy.LoadPolicyFromBytes(auditPolicy)
	if c.AuditPolicy != "" {
		p, err = policy.LoadPolicyFromFile(c.AuditPolicy)
	}
	if err != nil {
		return fmt.Errorf("--audit-policy-file: %w", err)
	}
	file := rotated(c.path("audit.log"))
	c.audit = observe.NewAuditLog(file, c.log)
	c.onStop(func(context.Context) error {
		c.audit.Close()
		return file.Close()
	})
	c.auditRules, c.proxyRules = policy.NewPolicyRuleEvaluator(p), observe.Rules(p)
	return c.openAccessLog()
}

// rotated is a log file of bounded size, opened when first written to, with
// mode 0600.
func rotated(path string) *lumberjack.Logger {
	return &lumberjack.Logger{Filename: path, MaxSize: logFileMB, MaxBackups: logBackups}
}

// standardError names it where a file is asked for.
const standardError = "-"

func (c *Cluster) openAccessLog() error {
	switch c.AccessLog {
	case "":
	case standardError:
		c.accessLog = os.Stderr
	default:
		file := rotated(c.AccessLog)
		if _, err := io.WriteString(file, ""); err != nil { // opens it
			return fmt.Errorf("--access-log: %w", err)
		}
		c.accessLog = file
		c.onStop(func(context.Context) error { return file.Close() })
	}
	return nil
}
