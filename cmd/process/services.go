package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gaff/hooks"
	"gaff/rpc"
)

// Service is a data service, on which methods work.
type Service struct {
	URL string // redis://, rediss://, postgres:// or mysql://
	// Apps are those that may use it; "*" stands for all. Default: only the app default. What an app's methods and callers
	// do there is bounded only by what the URL's user may do, so an operator opens it to each tenant on purpose.
	Apps []string
}

const (
	servicePrefix = variablePrefix + "SERVICE_"
	serviceFlag   = "service-"
	fileSuffix    = "_FILE"
	appsSuffix    = "_APPS"
	anyApp        = "*"
)

// serviceName is how a service is looked up: variables of the environment have neither lower case nor hyphens.
func serviceName(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// ServicesFrom reads the data services that an environment names.
func ServicesFrom(environ []string) (map[string]Service, error) {
	c := Config{}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, servicePrefix) {
			if err := c.setService(strings.TrimPrefix(name, servicePrefix), value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return c.Services, c.checkServices()
}

// setService reads NAME=url, NAME_FILE=path or NAME_APPS=app,app.
func (c *Config) setService(name, value string) error {
	upper := strings.ToUpper(name)
	var apps []string
	switch {
	case strings.HasSuffix(upper, fileSuffix):
		name = name[:len(name)-len(fileSuffix)]
		secret, err := readSecret(value)
		if err != nil {
			return err
		}
		value = secret
	case strings.HasSuffix(upper, appsSuffix):
		name = name[:len(name)-len(appsSuffix)]
		for app := range strings.SplitSeq(value, ",") {
			if app = strings.TrimSpace(app); app != anyApp {
				if err := hooks.CheckName("app", app); err != nil {
					return err
				}
			}
			apps = append(apps, app)
		}
	}
	if err := hooks.CheckName("service", name); err != nil {
		return err
	}
	if c.Services == nil {
		c.Services = map[string]Service{}
	}
	s := c.Services[serviceName(name)]
	if apps != nil {
		s.Apps = apps
	} else {
		s.URL = value
	}
	c.Services[serviceName(name)] = s
	return nil
}

// serviceFlags adds the flags of the services that the arguments name: --service-NAME and --service-NAME-apps.
func (c *Config) serviceFlags(flags *pflag.FlagSet, args []string) {
	for _, arg := range args {
		name, ok := strings.CutPrefix(strings.SplitN(arg, "=", 2)[0], "--"+serviceFlag)
		if !ok || name == "" || flags.Lookup(serviceFlag+name) != nil {
			continue
		}
		flags.Func(serviceFlag+name, "", func(value string) error { return c.setService(strings.ReplaceAll(name, "-", "_"), value) })
	}
}

// checkServices refuses what cannot be, before anything is connected to.
func (c *Config) checkServices() error {
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if c.Services[name].URL == "" {
			return fmt.Errorf("%s%s is missing: apps are named for a data service that there is not", servicePrefix, strings.ToUpper(name))
		}
	}
	opened, err := rpc.Open(c.rpc(), nil)
	if err == nil {
		opened.Close()
	}
	return err
}

func (c *Config) rpc() []rpc.Config {
	configs := make([]rpc.Config, 0, len(c.Services))
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		configs = append(configs, rpc.Config{Name: name, URL: c.Services[name].URL})
	}
	return configs
}

// dataServices are the data services of methods, as apps may use them.
type dataServices struct {
	*rpc.Services
	config map[string]Service
}

func openServices(c *Config, log *slog.Logger) (*dataServices, error) {
	opened, err := rpc.Open(c.rpc(), log)
	return &dataServices{opened, c.Services}, err
}

// may reports whether the app may use the service.
func (d *dataServices) may(app, name string) bool {
	apps := d.config[name].Apps
	if apps == nil {
		return app == hooks.DefaultApp
	}
	return slices.Contains(apps, app) || slices.Contains(apps, anyApp)
}

// Builtins lists the operations that the service has by itself.
func (d *dataServices) Builtins(app, service string) []string {
	name := serviceName(service)
	kind, ok := d.Kind(name)
	if !ok || !d.may(app, name) {
		return nil
	}
	return kind.Builtins()
}

// Do carries out an operation.
func (d *dataServices) Do(ctx context.Context, app string, o *hooks.Operation) ([]byte, error) {
	name := serviceName(o.Service)
	variable := servicePrefix + strings.ToUpper(name)
	if _, ok := d.Kind(name); !ok {
		return nil, hooks.Errorf(hooks.CodeUnavailable, "the data service %s is not configured: its operator sets %s for the workers", o.Service, variable)
	}
	if !d.may(app, name) {
		return nil, hooks.Errorf(hooks.CodeForbidden, "the app %s may not use the data service %s: its operator allows it with %s%s", app, o.Service, variable, appsSuffix)
	}
	c := rpc.Call{
		Service: name, Name: o.Name, Form: rpc.Form(o.Kind), Body: o.Body, Pipeline: o.Pipeline, Keys: o.Keys, Allowed: o.Allowed,
		Payload: o.Payload,
	}
	if o.Kind == "" {
		c.Form = rpc.Builtin
	}
	result, err := d.Services.Do(ctx, &c)
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		return nil, callerError(e)
	}
	return result, err
}

// callerError is what the caller of a method is told. What a constraint or a wrong value is, is the answer; what else the
// service says is for the log too.
func callerError(e *rpc.Error) *hooks.Error {
	made := hooks.Errorf(hooks.Code(e.Code), "%s", e.Message)
	made.Status, made.Details = e.Status, e.JSON()
	if e.Code == rpc.Unavailable || e.Code == rpc.ServiceError {
		return made.Because(e.Unwrap())
	}
	return made
}

// servicesFindings says of each data service whether it answers.
func (p *Parts) servicesFindings(ctx context.Context) []hooks.Finding {
	services, err := openServices(&p.Config, p.Log)
	if err != nil {
		return []hooks.Finding{hooks.Wrong("data services", "%s", err)}
	}
	defer services.Close()
	var findings []hooks.Finding
	for _, name := range services.Names() {
		version, err := services.Ping(ctx, name)
		if err != nil {
			findings = append(findings, hooks.Wrong("service "+name, "it does not answer: methods on it fail"))
			continue
		}
		findings = append(findings, hooks.Fine("service "+name, "%s", version))
	}
	return findings
}

// ping returns an error if a data service does not answer.
func (p *Parts) pingServices(ctx context.Context) error {
	services, err := openServices(&p.Config, p.Log)
	if err != nil {
		return err
	}
	defer services.Close()
	for _, name := range services.Names() {
		if _, err := services.Ping(ctx, name); err != nil {
			return fmt.Errorf("data service %s does not answer: %w", name, err)
		}
	}
	return nil
}
