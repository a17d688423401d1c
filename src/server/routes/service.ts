/** Routes about the service itself. The open ones only tell that it runs. */
import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Database } from '../../core/database.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Call, Route } from '../call.js'
import { collectionInfos } from '../collection-infos.js'
import type { DatabaseGate } from '../database-gate.js'
import type { Metrics } from '../metrics.js'
import { MetricsParameters, TelemetryParameters } from '../parameters.js'
import type { Peers } from '../peers.js'
import { PlainBody } from '../respond.js'
import { CallerAccess, Rights } from '../rights.js'
import { SharedLook } from '../shared-look.js'
import { telemetry } from '../telemetry.js'
import { API_VERSION, TITLE, VERSION } from '../versions.js'

/** Levels beyond this one tell the same. */
const LAST_LEVEL = 3
const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface ServiceState {
  gate: DatabaseGate
  metrics: Metrics
  isClosing(): boolean
  /** Whether a request of an open route has a key that may read all collections, or none is needed. */
  mayRead(request: FastifyRequest): MaybePromise<boolean>
  /** The other nodes of the database's store. */
  peers: Peers | null
}

export function serviceRoutes({ gate, metrics, isClosing, mayRead, peers }: ServiceState): Route[] {
  const look = new ReadinessLook()
  const started = new Date().toISOString()
  const id = randomUUID()

  async function readiness(call: Call): Promise<PlainBody> {
    if (isClosing()) return new PlainBody('Service is stopping', 503)
    if (!gate.current) return new PlainBody(gate.reason, 503)
    if (peers?.behind) return new PlainBody(peers.behind, 503)
    const found = await look.at(gate.current)
    const isTold = found.red.length > 0 && (await call.isFrom(mayRead))
    return new PlainBody(readinessText(found, isTold), found.canServe ? 200 : 503)
  }

  // A large answer is made once for all calls at the same time.
  const texts = [false, true].map((anonymize) => new SharedLook(() => metrics.text(gate.current, { anonymize })))
  const tellings = new Map<string, SharedLook<object>>()

  function told(call: Call): Promise<object> {
    const { detailsLevel = 0, anonymize = false } = call.parameters
    const level = Math.min(detailsLevel, LAST_LEVEL)
    const parts = { id, started, database: gate.current, metrics, level, anonymize }
    if (!call.rights.areGlobal) return telemetry(parts, call.rights)
    const key = `${level} ${anonymize}`
    const telling =
      tellings.get(key) ?? new SharedLook(() => telemetry({ ...parts, database: gate.current }, Rights.ALL))
    tellings.set(key, telling)
    return telling.get()
  }

  const open = { method: 'GET', access: 'open', scope: 'listed', work: 'light' } as const
  const about = { method: 'GET', access: 'read', work: 'light' } as const
  return [
    { ...open, path: '/', run: () => new PlainBody({ title: TITLE, version: API_VERSION, commit: VERSION }) },
    { ...open, path: '/healthz', run: () => new PlainBody('healthz check passed') },
    { ...open, path: '/livez', run: () => new PlainBody('healthz check passed') },
    { ...open, path: '/readyz', run: readiness },
    {
      ...about,
      path: '/metrics',
      scope: 'all',
      summary: 'Metrics for Prometheus.',
      parameters: MetricsParameters,
      run: async (call) => {
        const text = texts[Number(call.parameters.anonymize ?? false)] as SharedLook<string>
        return new PlainBody(await text.get(), 200, PROMETHEUS_TYPE)
      },
    },
    {
      ...{ ...about, path: '/telemetry', scope: 'listed', summary: 'What the service does.' },
      isAdministrative: true,
      parameters: TelemetryParameters,
      run: told,
    },
    {
      ...{ ...about, path: '/access', scope: 'listed' },
      summary: 'Not in Qdrant: the rights of the caller.',
      answer: CallerAccess,
      run: (call) => call.access(),
    },
  ]
}

/** How long a result stays valid: orchestrators ask often, and checking collections takes longer than answering. */
const FRESH_MS = 1_000
/** Most collections in the answer; the whole list is in `/issues`. */
const MOST_LISTED = 100

interface Readiness {
  /** False if there are collections and none of them can be read. */
  canServe: boolean
  red: { name: string; why: string }[]
}

class ReadinessLook {
  #looked: { atMs: number; found: Promise<Readiness> } | null = null

  at(database: Database): Promise<Readiness> {
    const nowMs = performance.now()
    if (this.#looked && nowMs - this.#looked.atMs < FRESH_MS) return this.#looked.found
    const found = readinessOf(database)
    this.#looked = { atMs: nowMs, found }
    return found
  }
}

async function readinessOf(database: Database): Promise<Readiness> {
  const { open, closed, failed } = await collectionInfos(database)
  const unwell = open.flatMap(({ name, status, optimizerStatus, warnings }) => {
    if (status !== 'red') return []
    return { name, why: optimizerStatus === 'ok' ? warnings.join('; ') : optimizerStatus.error }
  })
  const red = [...unwell, ...failed]
  red.sort((a, b) => (a.name < b.name ? -1 : 1))
  const nameless = (database.nameless ?? []).map(({ message }) => ({ name: 'one of an unknown name', why: message }))
  const isAnyUnreadable = failed.length + nameless.length > 0
  return { canServe: !isAnyUnreadable || open.length + closed.length > 0, red: [...red, ...nameless] }
}

/** One line for each collection. A caller without a key only learns that some are red. */
function readinessText({ red, canServe }: Readiness, mayRead: boolean): string {
  if (red.length === 0) return 'all shards are ready'
  const state = canServe ? 'ready' : 'not ready'
  if (!mayRead) return `${state}, and some collections are red: send an API key to see them`
  const lines = red.slice(0, MOST_LISTED).map(({ name, why }) => `${name}: ${why}`)
  return [`${state}, and ${red.length} of the collections are red`, ...lines].join('\n')
}
