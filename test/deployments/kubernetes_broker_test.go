//go:build linux

package deployments

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/penstock/penstock/internal/config"
)

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
