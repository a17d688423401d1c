import type { IncomingMessage } from 'node:http'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { AnswerUnderWay } from './answers-under-way.js'
import { clientError, frameworkError } from './failures.js'
import { ReadableLog } from './readable-log.js'
import type { ServerSettings } from './server-settings.js'
import { inOrder } from './unanswered-requests.js'

/** Percent-encoded names are longer than names, and the router must not cut them off. */
const MAX_PARAM_LENGTH = 4096

/** Node leaves out those behind the 2,000th, and no check would see them. The bytes of a head are bounded. */
export const ALL_HEADERS = 0

interface AppParts {
  idOf(request: IncomingMessage): string
  /** Sets the required headers of an answer where no hook has seen the request. */
  tellUnseen(request: FastifyRequest, reply: FastifyReply): void
}

export function createApp(settings: ServerSettings, { idOf, tellUnseen }: AppParts): FastifyInstance {
  const http = {
    headersTimeout: settings.headersTimeoutMs,
    connectionsCheckingInterval: 1000,
    // checkHead refuses it, so that the error has the usual shape.
    requireHostHeader: false,
    ServerResponse: AnswerUnderWay,
  }
  const app = Fastify({
    ...(settings.tls ? { https: { ...http, ...settings.tls } } : { http }),
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    return503OnClosing: false,
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: idOf,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      tellUnseen(request, reply)
      frameworkError(error, request, reply)
    },
    clientErrorHandler: clientError,
    // One logger for all requests: a child logger for each would cost more than its log lines.
    childLoggerFactory: (logger) => logger,
    logger: {
      level: settings.logLevel,
      stream: settings.logFormat === 'text' ? new ReadableLog(settings.logStream) : settings.logStream,
      base: null,
      formatters: { level: (label: string) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
  }) as unknown as FastifyInstance
  for (const event of ['checkContinue', 'checkExpectation']) {
    app.server.on(event, (request, response) => app.server.emit('request', request, response))
  }
  inOrder(app.server)
  app.decorateRequest('ticket')
  app.decorateRequest('bytes', null)
  app.server.maxHeadersCount = ALL_HEADERS
  app.server.maxConnections = settings.maxConnections
  app.server.headersTimeout = settings.headersTimeoutMs
  return app
}
