import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import { openSharing } from '../../src/engine/database/open.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { type DatabaseUnderTest, describeDatabase } from './database.contract.js'
import { startThreaded } from './threaded.js'

async function direct(database: Database): Promise<DatabaseUnderTest> {
  return { database, dispose: () => database.close() }
}

async function inFolder(): Promise<DatabaseUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-contract-'))
  const database = await open(folder)
  return {
    database,
    async dispose() {
      await database.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function behindService({ database: backend, dispose }: DatabaseUnderTest): Promise<DatabaseUnderTest> {
  const server = createServer({ database: backend, port: 0, apiKeys: ['contract'], logLevel: 'silent' })
  const database = await connect(await server.listen(), { apiKey: 'contract', streams: true })
  return {
    database,
    async dispose() {
      await database.close()
      await server.close()
      await dispose()
    },
  }
}

/** Threads beside the main thread take the connections. */
async function behindThreads(): Promise<DatabaseUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-contract-'))
  const backend = await openSharing(folder)
  const service = await startThreaded(backend, { apiKeys: ['contract'] })
  const database = await connect(service.url, { apiKey: 'contract', streams: true })
  return {
    database,
    async dispose() {
      await database.close()
      await service.close()
      await backend.close()
      await rm(folder, { recursive: true })
    },
  }
}

// The oracle keeps the contract too. Behind the service it separates faults of the wire from faults of the engine.
describeDatabase('oracle', () => direct(new MemoryDatabase()))
describeDatabase('oracle behind the service', async () => behindService(await direct(new MemoryDatabase())))
describeDatabase('embedded in memory', async () => direct(await open(':memory:')))
describeDatabase('embedded in a folder', inFolder)
describeDatabase('embedded behind the service', async () => behindService(await inFolder()))
describeDatabase('embedded behind threads that read it', behindThreads)
