/** A serving thread without the database. ServingThreads starts it, and it keeps no state of its own. */
import { getHeapStatistics } from 'node:v8'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { MirroredDatabase } from '../engine/database/mirrored-database.js'
import type { SharedCollection } from '../engine/database/sharing.js'
import { memoryBudget } from '../engine/memory/memory-budget.js'
import { keepSearches } from '../native/process.js'
import { openAuditFile } from '../server/audit-file.js'
import { VERSION } from '../server/versions.js'
import { openTracing } from '../tracing/open.js'
import type { FromReader, ServingThreadData, ToReader } from './messages.js'
import { createReadServer } from './read-server.js'

const port = parentPort as MessagePort
const data = workerData as ServingThreadData
const { settings, concurrentSearches, isLimited, keepsSearches, changes, heapBytes, budgets, forwardTo, listenOn } =
  data
const COUNT_HEAP_MS = 1_000

const asked = new Map<string, (shared: SharedCollection | 'cold' | null) => void>()
const tell = (message: FromReader) => port.postMessage(message)

if (keepsSearches) keepSearches()
if (isLimited) memoryBudget.leaveToOther()
const database = new MirroredDatabase(
  {
    changes,
    share: (name) =>
      new Promise((resolve) => {
        asked.set(name, resolve)
        tell({ kind: 'share', name })
      }),
  },
  concurrentSearches,
)
const tracing = data.isTraced ? await openTracing(VERSION) : null
const audit = data.auditLog === null ? null : await openAuditFile(data.auditLog)
const server = createReadServer({
  ...settings,
  database,
  isLimited,
  budgets,
  forwardTo,
  listenOn,
  onConnectionClosed: () => tell({ kind: 'ended' }),
  tracing,
  audit,
})

port.on('message', (message: ToReader) => {
  switch (message.kind) {
    case 'connection':
      return server.take(message.descriptor)
    case 'shared':
      asked.get(message.name)?.(message.shared)
      asked.delete(message.name)
      return
    case 'changed':
      return database.forgetClosed()
    case 'state':
      return tell({ kind: 'state', state: server.state() })
    case 'keys':
      return server.replaceKeys(message.keys)
    case 'reopen':
      return void audit?.reopen()
    case 'close':
      return void close(message.deadlineMs)
  }
})

async function close(deadlineMs: number): Promise<void> {
  await server.close(deadlineMs)
  await Promise.all([tracing?.close(), audit?.close()])
  database.close()
  port.close()
}

function countHeap(): void {
  heapBytes[0] = getHeapStatistics().total_physical_size
}

await server.listen()
countHeap()
setInterval(countHeap, COUNT_HEAP_MS).unref()
tell({ kind: 'ready' })
