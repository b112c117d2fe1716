package rpc

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mysqlService is a MySQL or MariaDB. Statements are prepared by the server, and values travel beside them.
type mysqlService struct {
	name      string
	connector *identifying
	db        *sql.DB
	bodies    *bodies
	log       *slog.Logger
	killers   sync.WaitGroup
}

func openMySQL(name string, u *url.URL, b *bodies, log *slog.Logger) (service, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the options in the URL of this MySQL cannot be read")
	}
	size, err := poolSize(query, "pool_max_conns")
	if err != nil {
		return nil, err
	}
	c, err := mysql.ParseDSN("/?" + query.Encode())
	if err != nil {
		return nil, errors.New("the options in the URL of this MySQL cannot be read")
	}
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if u.User != nil {
		c.User = u.User.Username()
		c.Passwd, _ = u.User.Password()
	}
	c.Timeout = dialTimeout
	c.ReadTimeout, c.WriteTimeout = lostWithin, lostWithin
	c.MultiStatements, c.AllowAllFiles, c.InterpolateParams, c.ParseTime = false, false, false, false
	c.Logger = quiet{}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["time_zone"] = "'+00:00'"
	dial := net.Dialer{Timeout: dialTimeout}
	c.DialFunc = bounded(dial.DialContext)
	plain, err := mysql.NewConnector(c)
	if err != nil {
		return nil, errors.New("the URL of this MySQL asks for what is not possible")
	}
	connector := &identifying{plain}
	db := sql.OpenDB(connector)
	if size == 0 {
		size = sqlPool
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &mysqlService{name: name, connector: connector, db: db, bodies: b, log: log}, nil
}

// quiet has the driver log nothing: what it would say comes as an error too.
type quiet struct{}

func (quiet) Print(...any) {}

func (s *mysqlService) close() {
	s.killers.Wait()
	s.db.Close()
}

func (s *mysqlService) ping(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pingsWithin)
	defer cancel()
	var version string
	if err := s.db.QueryRowContext(ctx, "select version()").Scan(&version); err != nil {
		return "", err
	}
	if strings.Contains(version, "MariaDB") {
		return version, nil
	}
	return "MySQL " + version, nil
}

func (s *mysqlService) do(ctx context.Context, c *Call) ([]byte, error) {
	batch, err := sqlBatch(s.bodies, MySQL, c)
	if err != nil {
		return nil, err
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	run := &mysqlRun{service: s, conn: conn, batch: batch}
	defer context.AfterFunc(ctx, s.killer(conn))()
	return batch.do(ctx, run)
}

func (s *mysqlService) acquire(ctx context.Context) (*sql.Conn, error) {
	within, cancel := context.WithTimeout(ctx, freeWithin)
	defer cancel()
	conn, err := s.db.Conn(within)
	switch {
	case err == nil:
		return conn, nil
	case within.Err() != nil && s.db.Stats().InUse >= s.db.Stats().MaxOpenConnections:
		return nil, errorf(Overloaded, "no connection to %s was free in time; try again", s.name).because(err)
	case over(ctx):
		return nil, errorf(Timeout, "there was no connection to %s in time", s.name).because(err)
	}
	return nil, errorf(Unavailable, "%s cannot be reached", s.name).because(err)
}

// killer ends what the connection is doing on the server. The driver only hangs up when a call's time is over, and the
// server would go on.
func (s *mysqlService) killer(conn *sql.Conn) func() {
	var id uint64
	err := conn.Raw(func(c any) error {
		id = c.(*identified).id
		return nil
	})
	if err != nil {
		return func() {}
	}
	return func() {
		s.killers.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
			defer cancel()
			if err := s.connector.kill(ctx, id); err != nil {
				s.log.Warn("a statement that runs past its time could not be ended", "error", err)
			}
		})
	}
}

// identifying makes connections that know by which number the server knows them.
type identifying struct{ driver.Connector }

// mysqlConn is what the driver's connections can do.
type mysqlConn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.SessionResetter
	driver.NamedValueChecker
	driver.Validator
}

// identified is a connection with its number on the server.
type identified struct {
	mysqlConn
	id uint64
}

// Connect connects.
func (c *identifying) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	able, ok := conn.(mysqlConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("a connection of the driver is a %T, which is not usable", conn)
	}
	id, err := connectionID(ctx, able)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &identified{able, id}, nil
}

func connectionID(ctx context.Context, conn mysqlConn) (uint64, error) {
	rows, err := conn.QueryContext(ctx, "select connection_id()", nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return 0, err
	}
	var id uint64
	_, err = fmt.Sscan(text(row[0]), &id)
	return id, err
}

// text is a number as the driver may return it, as text.
func text(v driver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// unknownThread is the error of a connection that is gone.
const unknownThread = 1094

func (c *identifying) kill(ctx context.Context, id uint64) error {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, fmt.Sprintf("kill %d", id), nil)
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok && e.Number == unknownThread {
		return nil
	}
	return err
}
