//go:build linux

package deployments

import (
	"net"
	"slices"
	"strconv"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/penstock/penstock/internal/config"
)

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
