//go:build linux

package deployments

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	k8s "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/penstock/penstock/internal/config"
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
				{pipeline, "workers: 2", "workrs: 2", "workrs"},
				{pipeline, "workers: 2 #", "workers: 0 #", "workers"},
				{pipeline, "pipeline.yaml: |", "pipe.yaml: |", "pipeline.yaml"},
				{secret, "kind: Secret", "kind: Secrets", "Secrets"},
			}
			if variant == "kafka" {
				mistakes = append(mistakes,
					edit{set, "podManagementPolicy: Parallel", "podManagementPolicy: OrderedReady", "Parallel"},
					edit{set, "memory: 256Mi", "memory: 128Mi", "167"},
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
					edit{pipeline, "0.0.0.0:4222", "127.0.0.1:4222", "4222"},
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

// selects complains about what is meant for the pods and does not find them.
func (o *objects) selects(f *findings) {
	pods := labels.Set(o.set.Spec.Template.Labels)
	finds := func(what string, s *meta.LabelSelector) {
		selector, err := meta.LabelSelectorAsSelector(s)
		if f.must(what, err) && (selector.Empty() || !selector.Matches(pods)) {
			f.add("%s selects %s, and the pods are %s", what, selector, pods)
		}
	}
	finds("StatefulSet", o.set.Spec.Selector)
	finds("Service", &meta.LabelSelector{MatchLabels: o.service.Spec.Selector})
	finds("NetworkPolicy", &o.policy.Spec.PodSelector)
	if o.budget != nil {
		finds("PodDisruptionBudget", o.budget.Spec.Selector)
	}
	for _, spread := range o.set.Spec.Template.Spec.TopologySpreadConstraints {
		finds("topologySpreadConstraints", spread.LabelSelector)
	}
	if o.set.Spec.ServiceName != o.service.Name || o.service.Spec.ClusterIP != core.ClusterIPNone {
		f.add("serviceName %s wants a headless Service of that name; there is %s", o.set.Spec.ServiceName, o.service.Name)
	}
}

// secured complains about rights that penstock does not need.
func secured(f *findings, root string, spec *core.PodSpec, c *core.Container) {
	stages, err := parseDockerfile(filepath.Join(root, dockerfile))
	if !f.must(dockerfile, err) {
		return
	}
	user, _, _ := strings.Cut(imageUser(&stages[len(stages)-1]), ":")
	pod, own := spec.SecurityContext, c.SecurityContext
	yes := func(b *bool) bool { return b != nil && *b }
	no := func(b *bool) bool { return b != nil && !*b }
	for what, ok := range map[string]bool{
		"runAsNonRoot":                 yes(pod.RunAsNonRoot),
		"runAsUser is not the image's": pod.RunAsUser != nil && strconv.FormatInt(*pod.RunAsUser, 10) == user,
		"seccomp":                      pod.SeccompProfile != nil && pod.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
		"automountServiceAccountToken": no(spec.AutomountServiceAccountToken),
		"readOnlyRootFilesystem":       yes(own.ReadOnlyRootFilesystem),
		"allowPrivilegeEscalation":     no(own.AllowPrivilegeEscalation),
		"capabilities":                 own.Capabilities != nil && slices.Equal(own.Capabilities.Drop, []core.Capability{"ALL"}) && len(own.Capabilities.Add) == 0,
		"a host's namespace":           !spec.HostNetwork && !spec.HostPID && !spec.HostIPC,
		"privileged":                   !yes(own.Privileged),
	} {
		if !ok {
			f.add("security: %s", what)
		}
	}
}

// pipeline lays the container out and reads the config as it does.
func (o *objects) pipeline(f *findings, root string, c *core.Container) *config.Pipeline {
	l, err := newLayout()
	if !f.must("make a folder", err) {
		return nil
	}
	defer l.remove()
	writable := o.mounts(f, root, l, c)
	const pod = "card-fraud-0"
	env := o.variables(f, c, pod)
	if !slices.Contains(writable, env["XDG_CACHE_HOME"]) {
		f.add("XDG_CACHE_HOME is %q, and only %q can be written", env["XDG_CACHE_HOME"], writable)
	}
	accepted(f, c.Args)
	p := l.pipeline(f, c.Args[len(c.Args)-1], env)
	if p != nil && p.Instance != pod {
		f.add("the instance is %q and not the pod's name", p.Instance)
	}
	return p
}

// mounts fills a layout, and gives the places that can be written.
func (o *objects) mounts(f *findings, root string, l layout, c *core.Container) (writable []string) {
	volumes := map[string]*core.Volume{}
	for i, v := range o.set.Spec.Template.Spec.Volumes {
		volumes[v.Name] = &o.set.Spec.Template.Spec.Volumes[i]
	}
	for _, m := range c.VolumeMounts {
		v := volumes[m.Name]
		switch {
		case slices.ContainsFunc(o.set.Spec.VolumeClaimTemplates, func(c core.PersistentVolumeClaim) bool { return c.Name == m.Name }):
			writable = append(writable, m.MountPath)
		case v == nil:
			f.add("there is no volume %s", m.Name)
		case v.EmptyDir != nil:
			writable = append(writable, m.MountPath)
		case v.Projected != nil:
			for i := range v.Projected.Sources {
				o.project(f, root, l, m.MountPath, &v.Projected.Sources[i])
			}
		default:
			f.add("volume %s: its kind is not known here", m.Name)
		}
	}
	return writable
}

// project writes one source of a volume.
func (o *objects) project(f *findings, root string, l layout, at string, s *core.VolumeProjection) {
	var items []core.KeyToPath
	var content func(key string) ([]byte, error)
	switch {
	case s.ConfigMap != nil:
		items = s.ConfigMap.Items
		there := o.configs[s.ConfigMap.Name]
		if there == nil { // made from files by a command that a comment tells
			content = func(key string) ([]byte, error) { return o.fromCommand(root, s.ConfigMap.Name, key) }
			break
		}
		if items == nil {
			for key := range there.Data {
				items = append(items, core.KeyToPath{Key: key, Path: key})
			}
		}
		content = func(key string) ([]byte, error) {
			if text, ok := there.Data[key]; ok {
				return []byte(text), nil
			}
			return nil, fmt.Errorf("ConfigMap %s has no %s", there.Name, key)
		}
	case s.Secret != nil:
		items = s.Secret.Items
		content = func(key string) ([]byte, error) { return o.secret(s.Secret.Name, key) }
	}
	if len(items) == 0 {
		f.add("a projected source without anything in it: %s", s)
	}
	for _, item := range items {
		text, err := content(item.Key)
		if f.must(item.Key, err) {
			f.must(item.Path, l.write(path.Join(at, item.Path), text))
		}
	}
}

func (o *objects) secret(name, key string) ([]byte, error) {
	if s := o.secrets[name]; s != nil {
		if example, ok := s.StringData[key]; ok {
			return secret(key, example), nil
		}
	}
	return nil, fmt.Errorf("there is no %s in a Secret %s", key, name)
}

// fromCommand gives a key of a ConfigMap that `kubectl create configmap` makes.
func (o *objects) fromCommand(root, name, key string) ([]byte, error) {
	command := regexp.MustCompile(`kubectl create configmap ` + regexp.QuoteMeta(name) + ` .*`).FindString(o.comments)
	for _, m := range regexp.MustCompile(`--from-file=(\S+)`).FindAllStringSubmatch(command, -1) {
		if path.Base(m[1]) == key {
			return os.ReadFile(filepath.Join(root, m[1]))
		}
	}
	return nil, fmt.Errorf("there is no ConfigMap %s with %s, and no command that makes it", name, key)
}

// variables are the container's.
func (o *objects) variables(f *findings, c *core.Container, pod string) map[string]string {
	env := map[string]string{}
	for _, v := range c.Env {
		env[v.Name] = v.Value
		switch from := v.ValueFrom; {
		case from == nil:
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.name":
			env[v.Name] = pod
		case from.SecretKeyRef != nil:
			value, err := o.secret(from.SecretKeyRef.Name, from.SecretKeyRef.Key)
			f.must(v.Name, err)
			env[v.Name] = string(value)
		default:
			f.add("%s comes neither from metadata.name nor from a Secret", v.Name)
		}
	}
	return env
}

// ports complains where the config, the container and the Service disagree.
func (o *objects) ports(f *findings, c *core.Container, p *config.Pipeline) {
	want := map[string]string{"metrics": port(p.MetricsListen)}
	if host, _, _ := net.SplitHostPort(p.MetricsListen); host != "" && host != "0.0.0.0" {
		f.add("the kubelet and Prometheus do not reach metrics_listen %s", p.MetricsListen)
	}
	if e := p.Broker.Embedded; e != nil {
		want["nats"] = port(e.Listen)
		if host, _, _ := net.SplitHostPort(e.Listen); host != "" && host != "0.0.0.0" {
			f.add("nobody beyond the pod reaches %s", e.Listen)
		}
	}
	for _, listed := range c.Ports {
		if strconv.Itoa(int(listed.ContainerPort)) != want[listed.Name] {
			f.add("containerPort %s is %d; metrics_listen and broker.embedded.listen say %v", listed.Name, listed.ContainerPort, want)
		}
	}
	for _, listed := range o.service.Spec.Ports {
		name := listed.TargetPort.String()
		if want[name] == "" || strconv.Itoa(int(listed.Port)) != want[name] {
			f.add("Service: port %d is targetPort %s, and these listen: %v", listed.Port, name, want)
		}
	}
	if len(c.Ports) != len(want) || len(o.service.Spec.Ports) != len(want) {
		f.add("%d ports of the container and %d of the Service, and these listen: %v", len(c.Ports), len(o.service.Spec.Ports), want)
	}
	if got := o.service.Annotations["prometheus.io/port"]; got != want["metrics"] {
		f.add("prometheus.io/port is %s, and not %s", got, want["metrics"])
	}
	var let []string
	for _, rule := range o.policy.Spec.Ingress {
		for _, allowed := range rule.Ports {
			let = append(let, allowed.Port.String())
		}
	}
	for name, number := range want {
		if !slices.Contains(let, number) || len(let) != len(want) {
			f.add("NetworkPolicy lets %v in; %s listens at %s", let, name, number)
		}
	}
}

// probes complains about paths that the listener for metrics does not serve.
func probes(f *findings, c *core.Container) {
	for name, probe := range map[string]struct {
		*core.Probe
		path string
	}{
		"startupProbe": {c.StartupProbe, "/livez"}, "livenessProbe": {c.LivenessProbe, "/livez"}, "readinessProbe": {c.ReadinessProbe, "/readyz"},
	} {
		if probe.Probe == nil || probe.HTTPGet == nil {
			f.add("there is no %s over HTTP", name)
			continue
		}
		get := probe.HTTPGet
		if get.Path != probe.path {
			f.add("%s asks for %s and not for %s", name, get.Path, probe.path)
		}
		if !slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == get.Port.String() }) || get.Port.String() != "metrics" {
			f.add("%s: port %s is not the metrics'", name, get.Port.String())
		}
		served(f, get.Path)
	}
}

// embedded is about a broker inside of the process, and its volume.
func (o *objects) embedded(f *findings, c *core.Container, p *config.Pipeline) {
	if *o.set.Spec.Replicas != 1 {
		f.add("replicas: %d brokers, each with events of its own", *o.set.Spec.Replicas)
	}
	if len(o.set.Spec.VolumeClaimTemplates) != 1 {
		f.add("an embedded broker needs one volume")
		return
	}
	claim := &o.set.Spec.VolumeClaimTemplates[0]
	size, most := claim.Spec.Resources.Requests.Storage(), resource.NewQuantity(int64(p.Broker.Embedded.MaxBytes), resource.BinarySI)
	if most.Cmp(*size) >= 0 {
		f.add("max_bytes %s fill the volume of %s", most, size)
	}
	if !slices.Equal(claim.Spec.AccessModes, []core.PersistentVolumeAccessMode{core.ReadWriteOncePod}) {
		f.add("the volume is one pod's: ReadWriteOncePod and not %v", claim.Spec.AccessModes)
	}
	if !slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool {
		return m.Name == claim.Name && strings.HasSuffix(string(p.Broker.Embedded.Dir), m.MountPath) && !m.ReadOnly
	}) {
		f.add("broker.embedded.dir %s is not on the volume", p.Broker.Embedded.Dir)
	}
}

// kafka is about many pods beside a cluster.
func (o *objects) kafka(f *findings, root string, c *core.Container, p *config.Pipeline) {
	if o.set.Spec.PodManagementPolicy != apps.ParallelPodManagement {
		f.add("podManagementPolicy is not Parallel: no pod needs another one")
	}
	if o.budget == nil || o.budget.Spec.MaxUnavailable == nil || o.budget.Spec.MaxUnavailable.IntValue() < 1 {
		f.add("maxUnavailable: without at least one no node can be emptied")
	}
	overload, err := os.ReadFile(filepath.Join(root, "bench/results/overload.txt"))
	if !f.must("overload", err) {
		return
	}
	peak, err := strconv.Atoi(string(regexp.MustCompile(`peak RSS (\d+) MB`).FindSubmatch(overload)[1]))
	if !f.must("overload", err) {
		return
	}
	request := c.Resources.Requests.Memory().Value()
	if request < int64(peak)*1_000_000 || c.Resources.Limits.Memory().Value() < 2*request {
		f.add("%d bytes of memory, and under overload it took %d MB", request, peak)
	}
	for _, server := range p.Broker.Kafka.BootstrapServers {
		let := false
		for _, rule := range o.policy.Spec.Egress {
			let = let || slices.ContainsFunc(rule.Ports, func(p networking.NetworkPolicyPort) bool { return p.Port.String() == port(server) })
		}
		if !let {
			f.add("NetworkPolicy does not let the pods out to %s", server)
		}
	}
}
