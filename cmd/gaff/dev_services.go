package main

import (
	"context"
	"fmt"
	"os"

	"gaff/cmd/process"
	"gaff/tasks"
)

// devServices are the data services of methods: those that the environment names, and if it names no redis an embedded
// one, which forgets everything at the end. Every app may use them. stop ends what was started.
func devServices(ctx context.Context) (services map[string]process.Service, stop func(), err error) {
	services, err = process.ServicesFrom(os.Environ())
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", process.ErrUsage, err)
	}
	if services == nil {
		services = map[string]process.Service{}
	}
	for name, s := range services {
		if s.Apps == nil {
			s.Apps = []string{"*"}
			services[name] = s
		}
	}
	if _, ok := services["redis"]; ok {
		return services, func() {}, nil
	}
	redis, err := tasks.StartEmbedded(context.WithoutCancel(ctx))
	if err != nil {
		return nil, nil, err
	}
	services["redis"] = process.Service{URL: redis.URL, Apps: []string{"*"}}
	return services, redis.Close, nil
}
