/** Every route of the service, from its own table, so that no route can be added without an expectation. */
import { DatabaseGate } from '../../src/server/database-gate.js'
import { Metrics } from '../../src/server/metrics.js'
import { routeTable } from '../../src/server/routes/table.js'
import { workFigures } from '../../src/server/work-metrics.js'
import { MemoryDatabase } from '../oracle/memory-database.js'

export const ALL_ROUTES = routeTable({
  gate: new DatabaseGate(new MemoryDatabase(), () => {}),
  metrics: new Metrics({
    own: () => ({ routes: [], inWork: 0, threads: 1, figures: workFigures(0) }),
    others: async () => [],
    memory: null,
    budgets: { sum: () => 0, bound: () => 0 },
  }),
  isClosing: () => false,
  mayRead: () => true,
  peers: null,
})
