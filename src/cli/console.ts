import { once } from 'node:events'
import { UsageError } from '../terminal/usage-error.js'
import { parseMemoryLimit } from './memory-limit.js'
import { parseSettings } from './parse-settings.js'
import { readDatabase } from './read-database.js'
import { CONSOLE_SETTINGS } from './settings.js'

/** Serves the console over a folder, read as a reader does, until SIGINT or SIGTERM. */
export async function showConsole(args: string[]): Promise<number> {
  const settings = parseSettings(CONSOLE_SETTINGS, args)
  const [data, ...rest] = settings.files
  if (data === undefined || rest.length > 0) throw new UsageError('console: name one folder')
  const memoryLimit = parseMemoryLimit(settings.text('memoryLimit') as string)
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const database = await readDatabase({ data, memoryLimit, url: undefined, keys: [] })
  try {
    const { createServer } = await import('../server/app.js')
    const port = settings.integer('port') as number
    const server = createServer({ database, port, host: '127.0.0.1', isReadOnly: true, logLevel: 'warn' })
    try {
      const url = await server.listen()
      process.stdout.write(`vicinal: console of ${data} at ${url}/dashboard/ (it only reads; Ctrl+C ends it)\n`)
      await stopped
    } finally {
      await server.close()
    }
  } finally {
    await database.close()
  }
  return 0
}
