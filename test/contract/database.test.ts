import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import { createServer } from '../../src/server/app.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { type DatabaseUnderTest, describeDatabase } from './database.contract.js'

async function remote(backend: Database): Promise<DatabaseUnderTest> {
  const server = createServer({ database: backend, port: 0, apiKeys: ['contract'], logLevel: 'silent' })
  const database = await connect(await server.listen(), { apiKey: 'contract' })
  return {
    database,
    async dispose() {
      await database.close()
      await server.close()
      await backend.close()
    },
  }
}

async function direct(database: Database): Promise<DatabaseUnderTest> {
  return { database, dispose: () => database.close() }
}

// The oracle that other tests trust keeps the contract itself; behind the service it tells a fault of the wire
// from one of the engine.
describeDatabase('oracle', () => direct(new MemoryDatabase()))
describeDatabase('oracle behind the service', () => remote(new MemoryDatabase()))
