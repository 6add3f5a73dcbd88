//go:build linux

package deployments

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"

	"github.com/penstock/penstock/internal/config"
)

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
	at := c.Args[len(c.Args)-1]
	p, err := load(filepath.Join(l.root, at), env)
	if !f.must(at, err) {
		return nil
	}
	l.comesFar(f, c.Args, env, p)
	l.named(f, at, env, p)
	if p.Instance != pod {
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
				o.project(f, root, l, m.MountPath, v.Projected, i)
			}
		default:
			f.add("volume %s: its kind is not known here", m.Name)
		}
	}
	return writable
}

// project writes one source of a volume, with the volume's mode.
func (o *objects) project(f *findings, root string, l layout, at string, v *core.ProjectedVolumeSource, n int) {
	s, mode := &v.Sources[n], os.FileMode(0o644)
	if v.DefaultMode != nil {
		mode = os.FileMode(*v.DefaultMode)
	}
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
			f.must(item.Path, l.write(path.Join(at, item.Path), text, mode))
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
