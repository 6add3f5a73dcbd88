//go:build linux

package deployments

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8s "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const kubernetesFolder = "deployments/kubernetes"

func TestKubernetes(t *testing.T) {
	for _, variant := range []string{"kafka", "embedded"} {
		t.Run(variant, func(t *testing.T) {
			set := path.Join(kubernetesFolder, variant, "statefulset.yaml")
			service := path.Join(kubernetesFolder, variant, "service.yaml")
			pipeline := path.Join(kubernetesFolder, variant, "config.yaml")
			secret := path.Join(kubernetesFolder, variant, "secret.example")
			mistakes := []edit{
				{set, "serviceName:", "serviceNames:", "serviceNames"},
				{set, "serviceName: card-fraud", "serviceName: fraud", "serviceName"},
				{set, "GracePeriodSeconds: 40", "GracePeriodSeconds: 30", "drain_timeout"},
				{set, "fieldPath: metadata.name", "fieldPath: spec.nodeName", "metadata.name"},
				{set, "name: PENSTOCK_INSTANCE", "name: INSTANCE", "PENSTOCK_INSTANCE"},
				{set, "path: /livez", "path: /healthz", "/healthz"},
				{set, "path: /readyz", "path: /livez", "readinessProbe"},
				{set, "port: metrics}", "port: http}", "port http"},
				{set, "containerPort: 9464", "containerPort: 9465", "metrics_listen"},
				{set, "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
				{set, "runAsUser: 65532", "runAsUser: 1000", "runAsUser"},
				{set, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"},
				{set, "drop: [ALL]", "drop: [NET_RAW]", "capabilities"},
				{set, "type: RuntimeDefault", "type: Unconfined", "seccomp"},
				{set, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation"},
				{set, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "automountServiceAccountToken"},
				{set, "[--log-format, json, run", "[--log-format, xml, run", "xml"},
				{set, "value: /tmp", "value: /var/cache", "XDG_CACHE_HOME"},
				{set, "key: golden.jsonl, path: model/golden.jsonl", "key: golden.jsonl, path: golden.jsonl", "golden.jsonl"},
				{set, "configMap: {name: card-fraud}", "configMap: {name: cardfraud}", "cardfraud"},
				{service, "port: 9464, targetPort: metrics", "port: 9464, targetPort: http", "targetPort http"},
				{service, `prometheus.io/port: "9464"`, `prometheus.io/port: "9090"`, "prometheus.io/port"},
				{service, "selector: {app.kubernetes.io/name: penstock,", "selector: {app.kubernetes.io/name: other,", "selects"},
				{service, "ports: [{protocol: TCP, port: 9464}]", "ports: [{protocol: TCP, port: 9465}]", "NetworkPolicy"},
				{service, "clusterIP: None", "clusterIP: None\n  clusterIPs: [None]\n  clusterIPs: [None]", "clusterIPs"},
				{pipeline, "${PENSTOCK_INSTANCE}", "a", "instance"},
				{pipeline, `metrics_listen: ":9464"`, `metrics_listen: "127.0.0.1:9464"`, "kubelet"},
				{pipeline, "drain_timeout: 25s", "drain_timeout: 60s", "drain_timeout"},
				{pipeline, "path: model/fraud.onnx", "path: fraud.onnx", "fraud.onnx"},
				{pipeline, "workers:", "workrs:", "workrs"},
				{pipeline, "workers:", "workers: 0 #", "workers"},
				{pipeline, "pipeline.yaml: |", "pipe.yaml: |", "pipeline.yaml"},
				{secret, "kind: Secret", "kind: Secrets", "Secrets"},
			}
			if variant == "kafka" {
				mistakes = append(mistakes,
					edit{set, "podManagementPolicy: Parallel", "podManagementPolicy: OrderedReady", "Parallel"},
					edit{set, "memory: 256Mi", "memory: 128Mi", "210"},
					edit{service, "- ports: [{protocol: TCP, port: 9093}]", "- ports: [{protocol: TCP, port: 9092}]", "9093"},
					edit{service, "maxUnavailable: 1", "maxUnavailable: 0", "maxUnavailable"},
					edit{secret, "password:", "passwort:", "password"},
					edit{pipeline, "${KAFKA_PASSWORD}", "${KAFKA_SECRET}", "KAFKA_SECRET"},
				)
			} else {
				mistakes = append(mistakes,
					edit{set, "replicas: 1", "replicas: 2", "replicas"},
					edit{set, "storage: 10Gi", "storage: 8Gi", "max_bytes"},
					edit{set, "mountPath: /var/lib/penstock", "mountPath: /data", "broker.embedded.dir"},
					edit{set, "ReadWriteOncePod", "ReadWriteMany", "ReadWriteOncePod"},
					edit{set, "defaultMode: 0440", "defaultMode: 0444", "chmod o-r"},
					edit{set, "path: users/users", "path: users", "users"},
					edit{secret, "authorization {", "authorisation {", "authorisation is none of its keys"},
					edit{secret, "{user: shop,", "{name: shop,", "users"},
					edit{pipeline, "0.0.0.0:4222", "127.0.0.1:4222", "4222"},
					edit{pipeline, "workers: 1", "workers: 2", "filters"},
					edit{service, "port: 4222, targetPort: nats", "port: 4223, targetPort: nats", "4222"},
				)
			}
			holds(t, func(root string) findings { return manifests(root, variant) }, mistakes)
		})
	}
}

// objects are those of one folder.
type objects struct {
	set      *apps.StatefulSet
	service  *core.Service
	policy   *networking.NetworkPolicy
	budget   *policy.PodDisruptionBudget
	configs  map[string]*core.ConfigMap
	secrets  map[string]*core.Secret
	comments string
}

// manifests reads a folder as the API server does with strict validation, and
// holds its objects to each other.
func manifests(root, variant string) (f findings) {
	folder := filepath.Join(root, kubernetesFolder, variant)
	o := readObjects(&f, folder)
	if o.set == nil || o.service == nil || o.policy == nil {
		f.add("%s: a StatefulSet, a Service and a NetworkPolicy belong together", folder)
		return f
	}
	spec := &o.set.Spec.Template.Spec
	if len(spec.Containers) != 1 {
		f.add("%d containers", len(spec.Containers))
		return f
	}
	c := &spec.Containers[0]
	secured(&f, root, spec, c)
	o.selects(&f)
	p := o.pipeline(&f, root, c)
	if p == nil {
		return f
	}
	longEnough(&f, "terminationGracePeriodSeconds", time.Duration(*spec.TerminationGracePeriodSeconds)*time.Second, p)
	o.ports(&f, c, p)
	probes(&f, c)
	allWork(&f, p)
	if p.Workers == 0 {
		f.add("workers: 0 is one for each core of the node, for there is no limit of CPU")
	}
	if p.Broker.Embedded != nil {
		o.embedded(&f, c, p)
	} else {
		o.kafka(&f, root, c, p)
	}
	return f
}

func readObjects(f *findings, folder string) *objects {
	o := &objects{configs: map[string]*core.ConfigMap{}, secrets: map[string]*core.Secret{}}
	scheme := k8s.NewScheme()
	for _, add := range []func(*k8s.Scheme) error{apps.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme} {
		f.must("scheme", add(scheme))
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	files, err := os.ReadDir(folder)
	f.must(folder, err)
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if !f.must(file.Name(), err) {
			continue
		}
		o.comments += string(text)
		documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if !f.must(file.Name(), err) {
				break
			}
			object, _, err := decoder.Decode(document, nil, nil)
			if f.must(file.Name(), err) {
				o.add(f, object)
			}
		}
	}
	return o
}

func (o *objects) add(f *findings, object k8s.Object) {
	if named, ok := object.(meta.Object); ok && (named.GetNamespace() != "" || named.GetName() == "") {
		f.add("%s/%s: a name and no namespace, which is whoever applies it to choose", named.GetNamespace(), named.GetName())
	}
	switch x := object.(type) {
	case *apps.StatefulSet:
		o.set = x
	case *core.Service:
		o.service = x
	case *core.ConfigMap:
		o.configs[x.Name] = x
	case *core.Secret:
		o.secrets[x.Name] = x
	case *policy.PodDisruptionBudget:
		o.budget = x
	case *networking.NetworkPolicy:
		o.policy = x
	default:
		f.add("%T is not known here", object)
	}
}
