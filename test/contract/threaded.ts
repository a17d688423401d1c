/** A service whose connections are answered by threads beside the one that has the database. */
import { ReadingThreads } from '../../src/cli/reading-threads.js'
import type { SharingDatabase } from '../../src/collection/sharing.js'
import { createServer, type ServerOptions } from '../../src/server/app.js'
import { DEFAULT_SETTINGS } from '../../src/server/settings.js'

export interface ThreadedService {
  url: string
  threads: ReadingThreads
  trouble: Error[]
  close(deadlineMs?: number): Promise<void>
}

export async function startThreaded(
  database: SharingDatabase,
  { count = 2, ...given }: Partial<ServerOptions> & { count?: number } = {},
): Promise<ThreadedService> {
  const { logStream, ...settings } = { ...DEFAULT_SETTINGS, port: 0, logLevel: 'silent' as const, ...given }
  const trouble: Error[] = []
  const threads = ReadingThreads.start({
    count,
    settings,
    concurrentSearches: settings.maxConcurrentReads,
    database: Promise.resolve(database),
    onTrouble: (error) => void trouble.push(error),
  })
  await threads.ready()
  const server = createServer({ ...settings, logStream, database, threads })
  const url = await server.listen()
  return {
    url,
    threads,
    trouble,
    async close(deadlineMs = 2_000) {
      await Promise.all([server.close(deadlineMs), threads.close(deadlineMs)])
    },
  }
}
