/** The engine itself and behind the service, for tests without the oracle. */
import { connect } from '../../src/client/index.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import type { DatabaseUnderTest } from './database.contract.js'

export const FACES = ['library', 'service'] as const

export async function openFace(
  face: (typeof FACES)[number],
  options: Parameters<typeof connect>[1] = { streams: true },
): Promise<DatabaseUnderTest> {
  const database = await open(':memory:')
  if (face === 'library') return { database, dispose: () => database.close() }
  const server = createServer({ database, port: 0, logLevel: 'silent' })
  const remote = await connect(await server.listen(), options)
  return {
    database: remote,
    async dispose() {
      await remote.close()
      await server.close()
      await database.close()
    },
  }
}
