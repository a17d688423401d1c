import type { Database } from '../core/database.js'
import { memoryLimitOf, type parseMemoryLimit } from './memory-limit.js'

/** A folder, read beside its writer; or with `url` the database of a service. */
interface Place {
  data: string
  memoryLimit: ReturnType<typeof parseMemoryLimit>
  url: string | undefined
  keys: readonly string[]
}

/** Opens the database of a command that only reads. */
export async function readDatabase({ data, memoryLimit, url, keys: [apiKey] }: Place): Promise<Database> {
  if (url === undefined) {
    const memoryLimitBytes = memoryLimitOf(memoryLimit)
    const { open } = await import('../index.js')
    return open(data, { readOnly: true, ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }) })
  }
  const { connect } = await import('../client/index.js')
  return connect(url, apiKey === undefined ? {} : { apiKey })
}
