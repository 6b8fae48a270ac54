package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/config"
)

type shared struct {
	Slots int           `envconfig:"SLOTS" default:"4"`
	Wait  time.Duration `envconfig:"ACK_WAIT" default:"30s"`
}

type settings struct {
	shared
	Region   string        `envconfig:"REGION" default:"local"`
	Password config.Secret `envconfig:"S3_URL"`
	Level    slog.Level    `envconfig:"LOG_LEVEL" default:"INFO"`
	Hosts    []string      `envconfig:"ALLOW_HOSTS"`
	Quoted   string        `envconfig:"QUOTED" default:"a \"b\" \\c"`
	Needed   string        `envconfig:"NEEDED" required:"true"`
	invalid  error
}

func (s *settings) Validate() error { return s.invalid }

// The environment is the process's, so these tests run in turn.

func TestLoad(t *testing.T) { //nolint:paralleltest // it sets the environment
	for name, value := range map[string]string{
		"T_LOAD_ACK_WAIT": "2m", "T_LOAD_S3_URL": "http://key:secret@s3", "T_LOAD_LOG_LEVEL": "warn",
		"T_LOAD_ALLOW_HOSTS": "a:1,b:2", "T_LOAD_NEEDED": "yes",
	} {
		t.Setenv(name, value)
	}
	var got settings
	require.NoError(t, config.Load("T_LOAD", &got))
	require.Equal(t, settings{
		shared: shared{Slots: 4, Wait: 2 * time.Minute}, Region: "local", Password: "http://key:secret@s3",
		Level: slog.LevelWarn, Hosts: []string{"a:1", "b:2"}, Quoted: `a "b" \c`, Needed: "yes",
	}, got)
}

// A variable without our prefix is somebody else's.
func TestLoadTakesNothingElse(t *testing.T) {
	t.Setenv("T_ELSE_NEEDED", "yes")
	t.Setenv("REGION", "eu-west-1")
	t.Setenv("SLOTS", "many")
	var got settings
	require.NoError(t, config.Load("T_ELSE", &got))
	require.Equal(t, "local", got.Region)
	require.Equal(t, 4, got.Slots)
}

func TestLoadNamesTheVariable(t *testing.T) {
	t.Setenv("T_NAME_NEEDED", "yes")
	t.Setenv("T_NAME_SLOTS", "many")
	err := config.Load("T_NAME", &settings{})
	require.ErrorContains(t, err, `T_NAME_SLOTS="many"`)
	require.ErrorContains(t, err, "int")

	t.Setenv("T_NAME_SLOTS", "1")
	err = config.Load("T_NAME", &settings{invalid: errors.New("SLOTS is 1, want more")})
	require.ErrorContains(t, err, "T_NAME_*: SLOTS is 1")

	require.ErrorContains(t, config.Load("T_MISSING", &settings{}), "T_MISSING_NEEDED")
}

func TestPositive(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.Positive(map[string]int{"A": 1, "B": 2}))
	for range 20 {
		require.EqualError(t, config.Positive(map[string]int{"C": 0, "B": -1, "A": 1}), "B is -1, want more than 0")
	}
}

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	holder := struct {
		Password config.Secret
		Pointer  *config.Secret
	}{Password: "hunter2"}
	holder.Pointer = &holder.Password
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("login", "password", holder.Password, "all", holder)
	document, err := json.Marshal(holder)
	require.NoError(t, err)
	for _, text := range []string{
		holder.Password.String(), fmt.Sprintf("%s %v %+v %#v %q", holder.Password, holder.Password, holder, holder, holder.Password),
		string(document), log.String(), fmt.Errorf("connect: %v", holder.Password).Error(),
	} {
		require.NotContains(t, text, "hunter2")
		require.NotEmpty(t, text)
	}
	require.Equal(t, "hunter2", holder.Password.Reveal())
	require.Empty(t, config.Secret("").String(), "whether one is set may be seen")
}
