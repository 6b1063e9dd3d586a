// Package service gives services their cluster addresses and node ports.
//
// Each address and port that is taken is a key in etcd, written by a
// transaction that fails if the key is there: so several API servers never
// give the same one twice, and what is acknowledged survives any crash.
package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Owner is the service an allocation belongs to.
type Owner struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	// Taken is when, so that repair can tell an allocation whose service was
	// never written from one that is being written now.
	Taken time.Time `json:"taken"`
}

// ledger is one kind of allocation: the keys under a prefix.
type ledger struct {
	kv     clientv3.KV
	prefix string
	now    func() time.Time
}

// take writes item for owner. It returns false if another service has it;
// taking what one has already is no error.
func (l *ledger) take(ctx context.Context, item string, owner Owner) (bool, error) {
	owner.Taken = l.now().UTC()
	value, err := json.Marshal(owner)
	if err != nil {
		return false, fmt.Errorf("encoding the owner of %s: %w", item, err)
	}
	key := l.prefix + item
	reply, err := l.kv.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, string(value))).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		return false, fmt.Errorf("taking %s: %w", item, err)
	}
	if reply.Succeeded {
		return true, nil
	}
	for _, kv := range reply.Responses[0].GetResponseRange().Kvs {
		var holder Owner
		if json.Unmarshal(kv.Value, &holder) == nil && holder.UID == owner.UID {
			return true, nil
		}
	}
	return false, nil
}

// free gives item back if uid still has it.
func (l *ledger) free(ctx context.Context, item, uid string) error {
	key := l.prefix + item
	reply, err := l.kv.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("freeing %s: %w", item, err)
	}
	for _, kv := range reply.Kvs {
		var holder Owner
		if json.Unmarshal(kv.Value, &holder) == nil && holder.UID != uid {
			return nil
		}
		_, err := l.kv.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", kv.ModRevision)).
			Then(clientv3.OpDelete(key)).
			Commit()
		if err != nil {
			return fmt.Errorf("freeing %s: %w", item, err)
		}
	}
	return nil
}

// all reads every allocation.
func (l *ledger) all(ctx context.Context) (map[string]Owner, error) {
	reply, err := l.kv.Get(ctx, l.prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", l.prefix, err)
	}
	taken := make(map[string]Owner, len(reply.Kvs))
	for _, kv := range reply.Kvs {
		var o Owner
		if err := json.Unmarshal(kv.Value, &o); err != nil {
			o = Owner{} // damaged: as good as nobody's
		}
		taken[strings.TrimPrefix(string(kv.Key), l.prefix)] = o
	}
	return taken, nil
}
