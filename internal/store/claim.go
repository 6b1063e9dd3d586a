package store

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Claim writes value under key unless something is there already, and returns
// what is there in the end. Of several servers that claim at once one wins,
// and all are told whose value it is.
func (e Endpoints) Claim(ctx context.Context, key, value string) (string, error) {
	config, err := e.tlsConfig()
	if err != nil {
		return "", err
	}
	client, err := e.client(config)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	reply, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, value)).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		if trouble := e.trouble(config); trouble != nil {
			err = trouble
		}
		return "", fmt.Errorf("writing to etcd at %v: %w", e.Servers, err)
	}
	if reply.Succeeded {
		return value, nil
	}
	for _, kv := range reply.Responses[0].GetResponseRange().Kvs {
		value = string(kv.Value)
	}
	return value, nil
}
