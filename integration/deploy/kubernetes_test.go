package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// object is what these tests look at of an object of Kubernetes.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec json.RawMessage            `json:"spec"`
	Data map[string]json.RawMessage `json:"data"`
}

type workload struct {
	Template struct {
		Spec struct {
			SecurityContext struct {
				RunAsNonRoot bool `json:"runAsNonRoot"`
			} `json:"securityContext"`
			Containers []container `json:"containers"`
			Volumes    []struct {
				Secret struct {
					SecretName string `json:"secretName"`
				} `json:"secret"`
			} `json:"volumes"`
			TerminationGracePeriodSeconds int `json:"terminationGracePeriodSeconds"`
		} `json:"spec"`
	} `json:"template"`
}

type container struct {
	Image   string `json:"image"`
	EnvFrom []struct {
		ConfigMapRef reference `json:"configMapRef"`
	} `json:"envFrom"`
	Env []struct {
		Name      string `json:"name"`
		Value     string `json:"value"`
		ValueFrom struct {
			SecretKeyRef    reference `json:"secretKeyRef"`
			ConfigMapKeyRef reference `json:"configMapKeyRef"`
		} `json:"valueFrom"`
	} `json:"env"`
	ReadinessProbe probe `json:"readinessProbe"`
	LivenessProbe  probe `json:"livenessProbe"`
	Resources      struct {
		Requests, Limits map[string]string
	} `json:"resources"`
	SecurityContext struct {
		ReadOnlyRootFilesystem   bool  `json:"readOnlyRootFilesystem"`
		AllowPrivilegeEscalation *bool `json:"allowPrivilegeEscalation"`
	} `json:"securityContext"`
}

type probe struct {
	HTTPGet struct {
		Path string `json:"path"`
		Port string `json:"port"`
	} `json:"httpGet"`
}

type reference struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// cluster is what an overlay builds, by kind and name.
type cluster map[string]map[string]object

func build(t *testing.T, overlay string) cluster {
	t.Helper()
	var objects []object
	read(t, &objects, nil, "kustomize", root+"/k8s/overlays/"+overlay)
	return byKind(objects)
}

func byKind(objects []object) cluster {
	c := cluster{}
	for _, o := range objects {
		if c[o.Kind] == nil {
			c[o.Kind] = map[string]object{}
		}
		c[o.Kind][o.Metadata.Name] = o
	}
	return c
}

// names lists the objects of a kind.
func (c cluster) names(kind string) []string {
	var names []string
	for name := range c[kind] {
		names = append(names, name)
	}
	return names
}

func (c cluster) workload(t *testing.T, kind, name string) workload {
	t.Helper()
	var w workload
	require.Contains(t, c[kind], name)
	require.NoError(t, json.Unmarshal(c[kind][name].Spec, &w))
	return w
}

// text returns an entry of a ConfigMap.
func (c cluster) text(t *testing.T, ref reference) string {
	t.Helper()
	require.Contains(t, c["ConfigMap"][ref.Name].Data, ref.Key, ref.Name)
	var text string
	require.NoError(t, json.Unmarshal(c["ConfigMap"][ref.Name].Data[ref.Key], &text))
	return text
}

// environment returns the settings that a container gets. What is in a secret has a
// place-holder for its value.
func (c cluster) environment(t *testing.T, from *container) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, source := range from.EnvFrom {
		for key := range c["ConfigMap"][source.ConfigMapRef.Name].Data {
			env[key] = c.text(t, reference{source.ConfigMapRef.Name, key})
		}
	}
	for _, e := range from.Env {
		switch {
		case e.ValueFrom.SecretKeyRef.Name != "":
			env[e.Name] = "secret"
		case e.ValueFrom.ConfigMapKeyRef.Name != "":
			env[e.Name] = c.text(t, e.ValueFrom.ConfigMapKeyRef)
		default:
			env[e.Name] = e.Value
		}
	}
	return env
}

func overlays() []string { return []string{"dev", "production"} }

func TestKubernetesHasEveryService(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(root + "/k8s/base/*/kustomization.yaml")
	require.NoError(t, err)
	var bases []string
	for _, folder := range folders {
		bases = append(bases, filepath.Base(filepath.Dir(folder)))
	}
	require.ElementsMatch(t, mesh.Names(), bases)
	for _, overlay := range overlays() {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			c := build(t, overlay)
			require.ElementsMatch(t, mesh.Names(), c.names("Deployment"))
			require.Empty(t, c["Secret"], "secrets are named, and never here")
			for _, name := range mesh.Names() {
				require.Contains(t, c["Service"], name)
				w := c.workload(t, "Deployment", name)
				require.Len(t, w.Template.Spec.Containers, 1)
				requireSettings(t, name, c.environment(t, &w.Template.Spec.Containers[0]))
				requireConfined(t, name, w)
			}
		})
	}
}

// requireConfined says that a service runs with no more than it needs, and is watched.
func requireConfined(t *testing.T, name string, w workload) {
	t.Helper()
	only := w.Template.Spec.Containers[0]
	require.Regexp(t, "grainmesh/"+name+":.+$", only.Image)
	require.True(t, w.Template.Spec.SecurityContext.RunAsNonRoot, name)
	require.True(t, only.SecurityContext.ReadOnlyRootFilesystem, name)
	require.NotNil(t, only.SecurityContext.AllowPrivilegeEscalation, name)
	require.False(t, *only.SecurityContext.AllowPrivilegeEscalation, name)
	require.Equal(t, "/readyz", only.ReadinessProbe.HTTPGet.Path, name)
	require.Equal(t, "/healthz", only.LivenessProbe.HTTPGet.Path, name)
	require.Equal(t, "internal", only.ReadinessProbe.HTTPGet.Port, "%s: the errors are told there", name)
	require.NotEmpty(t, only.Resources.Requests["cpu"], name)
	require.NotEmpty(t, only.Resources.Requests["memory"], name)
	require.Greater(t, w.Template.Spec.TerminationGracePeriodSeconds, 40, "a stop takes 30 s, and 10 for requests in hand")
}

// The layers are scaled by the work that is outstanding, and as much is handed out as
// the largest number of replicas is to be asked for by.
func TestKubernetesScales(t *testing.T) {
	t.Parallel()
	c := build(t, "production")
	var scaled struct {
		ScaleTargetRef  reference `json:"scaleTargetRef"`
		MaxReplicaCount int       `json:"maxReplicaCount"`
		Triggers        []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	}
	owner := c.workload(t, "Deployment", "job-api")
	env := c.environment(t, &owner.Template.Spec.Containers[0])
	layers := map[string]subjects.Layer{"analyser": subjects.Analyse, "chunker": subjects.Chunk, "reader": subjects.Read}
	for name, layer := range layers {
		require.Contains(t, c["ScaledObject"], name)
		require.NoError(t, json.Unmarshal(c["ScaledObject"][name].Spec, &scaled))
		require.Equal(t, name, scaled.ScaleTargetRef.Name)
		require.Len(t, scaled.Triggers, 1)
		by := scaled.Triggers[0].Metadata
		require.Equal(t, "nats-jetstream", scaled.Triggers[0].Type)
		require.Equal(t, []string{embed.MainAccount, layer.Stream(), string(layer)}, []string{by["account"], by["stream"], by["consumer"]})
		lag, err := strconv.Atoi(by["lagThreshold"])
		require.NoError(t, err)
		window, err := strconv.Atoi(env["GRAINMESH_JOB_API_"+strings.ToUpper(string(layer))+"_WINDOW"])
		require.NoError(t, err)
		require.GreaterOrEqual(t, window, 2*scaled.MaxReplicaCount*lag, "%s would never reach its replicas, or would wait for work", name)
	}
	for _, name := range mesh.Names() {
		_, byWork := layers[name]
		require.Equal(t, !byWork, slices.Contains(c.names("HorizontalPodAutoscaler"), name), name)
		require.Contains(t, c["PodDisruptionBudget"], name)
	}
}

// scripts/k8s-secrets.sh makes every secret that an overlay refers to, from what
// `grainmesh keys` makes.
func TestKubernetesSecretsAreMade(t *testing.T) {
	t.Parallel()
	handed := handOut(t)
	for _, overlay := range overlays() {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			script := exec.CommandContext(t.Context(), root+"/scripts/k8s-secrets.sh", handed)
			script.Env = append(os.Environ(), "GRAINMESH_DATABASE_URL=postgres://d", "GRAINMESH_REDIS_URL=redis://r", "GRAINMESH_S3_URL=http://s")
			if overlay == "dev" {
				script.Args, script.Env = append(script.Args, "dev"), os.Environ()
			}
			out, err := script.Output()
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "secrets.yaml")
			require.NoError(t, os.WriteFile(file, out, 0o600))
			var made []object
			read(t, &made, nil, "objects", file)
			secrets := byKind(made)["Secret"]

			c := build(t, overlay)
			for _, kind := range []string{"Deployment", "StatefulSet"} {
				for _, name := range c.names(kind) {
					w := c.workload(t, kind, name)
					for _, e := range w.Template.Spec.Containers[0].Env {
						if ref := e.ValueFrom.SecretKeyRef; ref.Name != "" {
							require.Contains(t, secrets[ref.Name].Data, ref.Key, "%s of %s", ref.Name, name)
						}
					}
					if kind == "Deployment" {
						require.Len(t, w.Template.Spec.Volumes, 1)
						require.Contains(t, secrets[w.Template.Spec.Volumes[0].Secret.SecretName].Data, name+".key")
					}
				}
			}
			require.Contains(t, secrets["grainmesh-nats"].Data, "accounts.conf")
		})
	}
}
