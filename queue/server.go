package queue

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ServerConfig says how an embedded NATS server runs. Only Dir is needed.
type ServerConfig struct {
	// Addr to listen on, default 127.0.0.1:4222; port 0 picks a free one. With Conf, empty means what the file says.
	Addr string
	// Dir keeps the streams. Only one server at a time may use it.
	Dir string
	// Conf is the path of a nats-server configuration file; Addr and Dir, where given, win over it.
	Conf string
	// SyncAlways has every acknowledged event on disk. Without it, it survives the process being killed, but the last
	// two minutes may not survive the machine losing power.
	SyncAlways bool
	// Log gets the server's warnings and errors; nil: they are dropped.
	Log *slog.Logger
}

// maxPayload holds an event with three documents of 1 MiB, in bytes.
const maxPayload = 8 << 20

const (
	defaultAddr  = "127.0.0.1:4222"
	startTimeout = 30 * time.Second
	startLook    = 100 * time.Millisecond
)

// Server is a NATS server with JetStream in this process.
type Server struct {
	server *server.Server
}

// StartServer starts a server and returns when it takes connections.
func StartServer(c ServerConfig) (*Server, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	log := &serverLog{log: c.Log, fatal: make(chan string, 1)}
	s.SetLoggerV2(log, false, false, false)
	if err := start(s, log); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("NATS server on %s: %w", net.JoinHostPort(options.Host, strconv.Itoa(options.Port)), err)
	}
	return &Server{server: s}, nil
}

// start returns when the server takes connections, or with the first thing that stops it from doing so.
func start(s *server.Server, log *serverLog) error {
	s.Start()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		if s.ReadyForConnections(startLook) && s.JetStreamEnabled() {
			return nil
		}
		select {
		case text := <-log.fatal:
			return errors.New(text)
		default:
		}
	}
	return fmt.Errorf("not ready after %v", startTimeout)
}

// options translates the configuration.
func (c *ServerConfig) options() (*server.Options, error) {
	options := &server.Options{MaxPayload: maxPayload}
	if c.Conf != "" {
		var err error
		if options, err = server.ProcessConfigFile(c.Conf); err != nil {
			return nil, fmt.Errorf("NATS server: %w", err)
		}
	}
	if c.Addr != "" || c.Conf == "" {
		if err := setAddr(options, cmp.Or(c.Addr, defaultAddr)); err != nil {
			return nil, err
		}
	}
	options.NoSigs, options.JetStream = true, true
	options.StoreDir = cmp.Or(c.Dir, options.StoreDir)
	if options.StoreDir == "" {
		return nil, fmt.Errorf("NATS server: no folder to keep its streams in")
	}
	if c.SyncAlways {
		options.SyncAlways = true
	}
	return options, nil
}

func setAddr(options *server.Options, addr string) error {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("NATS server: address %.100q is not host:port", addr)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return fmt.Errorf("NATS server: %.100q is not a port", portText)
	}
	options.Host, options.Port = cmp.Or(host, "127.0.0.1"), int(port)
	if port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return nil
}

// URL returns where clients connect.
func (s *Server) URL() string { return s.server.ClientURL() }

// Shutdown closes every connection and returns when what is stored is complete.
func (s *Server) Shutdown() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}
