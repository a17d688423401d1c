import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { clientError, frameworkError } from './failures.js'
import type { ServerSettings } from './settings.js'

/** Percent-encoded names are longer than names; the router must not cut them off. */
const MAX_PARAM_LENGTH = 4096

export function createApp(settings: ServerSettings): FastifyInstance {
  const app = Fastify({
    ...(settings.tls ? { https: settings.tls } : {}),
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    http: { headersTimeout: settings.headersTimeoutMs, connectionsCheckingInterval: 1000 },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    return503OnClosing: false,
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: frameworkError,
    clientErrorHandler: clientError,
    // One logger for all: a child for each request would cost more than the request's own log lines.
    childLoggerFactory: (logger) => logger,
    logger: {
      level: settings.logLevel,
      stream: settings.logStream,
      base: null,
      formatters: { level: (label: string) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
  }) as unknown as FastifyInstance
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response))
  app.decorateRequest('ticket')
  app.decorateRequest('bytes', null)
  app.server.maxConnections = settings.maxConnections
  app.server.headersTimeout = settings.headersTimeoutMs
  return app
}
