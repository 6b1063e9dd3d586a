// Lists, creates, patches, replaces, watches and deletes with the Kubernetes
// client for JavaScript, by the kubeconfig in KUBECONFIG, and reaches a service,
// a pod and what is behind a path with its generated proxy calls. Prints one
// line for each thing done.
import * as k8s from '@kubernetes/client-node';

const namespace = 'default';
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);

const pods = await core.listNamespacedPod({ namespace });
console.log('pods', pods.items.length);

const name = 'from-javascript';
const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { k: '1' } } });
console.log('created', made.data.k);
console.log('read', (await core.readNamespacedConfigMap({ name, namespace })).data.k);
const patched = await core.patchNamespacedConfigMap(
    { name, namespace, body: { data: { k: '2' } } },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
console.log('patched', patched.data.k);
patched.data.k = '3';
console.log('replaced', (await core.replaceNamespacedConfigMap({ name, namespace, body: patched })).data.k);

await new Promise((resolve, reject) => {
    const event = async (type, object) => {
        console.log('event', type, object.data.k);
        if (type === 'ADDED') {
            await core.deleteNamespacedConfigMap({ name, namespace });
        } else {
            watching.then((request) => request.abort());
            resolve();
        }
    };
    const watching = new k8s.Watch(config).watch(
        `/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: `metadata.name=${name}` }, event,
        (error) => { if (error && error.name !== 'AbortError') reject(error); });
});

try {
    await core.readNamespacedConfigMap({ name, namespace });
} catch (error) {
    console.log('read', error.code);
}

const service = { name: 'elasticsearch-logging', namespace: 'kube-system' };
const show = (what, answer) => console.log(what, JSON.stringify(answer));
show('GET', (await core.connectGetNamespacedServiceProxy(service)).cluster_name);
for (const verb of ['Get', 'Post', 'Put', 'Patch', 'Delete', 'Options']) {
    show(`${verb} with path`, await core[`connect${verb}NamespacedServiceProxyWithPath`]({ ...service, name: 'echo', path: 'a/b' }));
}
show('named by scheme and port', await core.connectGetNamespacedServiceProxyWithPath({ ...service, name: 'http:echo:80', path: 'c' }));
show('pod', await core.connectGetNamespacedPodProxyWithPath({ name: 'echo', namespace: 'kube-system', path: 'd' }));
try {
    await core.connectGetNamespacedServiceProxyWithPath({ ...service, name: 'no-such-thing', path: 'a' });
} catch (error) {
    console.log('absent', error.code);
}
