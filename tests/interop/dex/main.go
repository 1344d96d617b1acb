// Dex as an issuer for tests: its server, its memory storage and its mock connector, whose one person is Kilgore Trout of the
// group "authors".
//
//	dex ISSUER LISTEN WEB_FOLDER CLIENT_ID CLIENT_SECRET REDIRECT_URI ROTATE_KEYS_AFTER
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 8 {
		log.Fatal("usage: dex ISSUER LISTEN WEB_FOLDER CLIENT_ID CLIENT_SECRET REDIRECT_URI ROTATE_KEYS_AFTER")
	}
	rotate, err := time.ParseDuration(os.Args[7])
	must(err)
	logger := logrus.New()
	kept := memory.New(logger)
	must(kept.CreateClient(storage.Client{ID: os.Args[4], Secret: os.Args[5], RedirectURIs: []string{os.Args[6]}, Name: "rolebridge"}))
	must(kept.CreateConnector(storage.Connector{ID: "mock", Type: "mockCallback", Name: "Mock"}))
	dex, err := server.NewServer(context.Background(), server.Config{
		Issuer: os.Args[1], Storage: kept, SkipApprovalScreen: true, RotateKeysAfter: rotate, Logger: logger,
		Web: server.WebConfig{Dir: os.Args[3]}, PrometheusRegistry: prometheus.NewRegistry(),
	})
	must(err)
	log.Printf("listening on %s", os.Args[2])
	log.Fatal(http.ListenAndServe(os.Args[2], dex))
}
