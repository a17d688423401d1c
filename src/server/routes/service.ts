/** Routes about the service itself. The open ones tell nothing but that it is there. */
import { randomUUID } from 'node:crypto'
import type { Route } from '../call.js'
import type { DatabaseGate } from '../database-gate.js'
import type { Metrics } from '../metrics.js'
import { PlainBody } from '../respond.js'
import { API_VERSION, TITLE, VERSION } from '../versions.js'

const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface ServiceState {
  gate: DatabaseGate
  metrics: Metrics
  isClosing(): boolean
}

export function serviceRoutes({ gate, metrics, isClosing }: ServiceState): Route[] {
  const started = new Date().toISOString()
  const id = randomUUID()

  function readiness(): PlainBody {
    if (isClosing()) return new PlainBody('Service is stopping', 503)
    return gate.current ? new PlainBody('all shards are ready') : new PlainBody(gate.reason, 503)
  }

  async function telemetry(): Promise<object> {
    const collections = gate.current ? await gate.current.collections() : []
    const app = { name: TITLE, version: VERSION, startup: started }
    return { id, app, collections: { number_of_collections: collections.length } }
  }

  const open = { method: 'GET', access: 'open', work: 'light' } as const
  const about = { method: 'GET', access: 'read', work: 'light' } as const
  return [
    { ...open, path: '/', run: () => new PlainBody({ title: TITLE, version: API_VERSION, commit: null }) },
    { ...open, path: '/healthz', run: () => new PlainBody('healthz check passed') },
    { ...open, path: '/livez', run: () => new PlainBody('livez check passed') },
    { ...open, path: '/readyz', run: readiness },
    {
      ...about,
      path: '/metrics',
      run: async () => new PlainBody(await metrics.text(gate.current), 200, PROMETHEUS_TYPE),
    },
    { ...about, path: '/telemetry', run: telemetry },
  ]
}
