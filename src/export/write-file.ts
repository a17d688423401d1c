import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, rename, rm } from 'node:fs/promises'
import { VicinalError } from '../core/errors.js'

/** Writes to a temporary name beside the file, and renames once all is on the disk. A failure leaves nothing. */
export async function writeFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  let isRenamed = false
  const file = await told(path, () => open(temporary, 'wx'))
  try {
    for await (const piece of pieces) await told(path, () => file.writeFile(piece))
    await told(path, () => file.sync())
    await file.close()
    await told(path, () => rename(temporary, path))
    isRenamed = true
  } finally {
    if (!isRenamed) {
      await file.close().catch(() => undefined)
      await rm(temporary, { force: true })
    }
  }
}

/** Waits while the reader of standard output is slower. */
export async function writeOutput(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let failure: Error | null = null
  process.stdout.on('error', (error) => {
    failure = error
  })
  for await (const piece of pieces) {
    if (failure) throw new VicinalError('IO_FAILED', `standard output: ${(failure as Error).message}`)
    if (!process.stdout.write(piece)) await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')])
  }
}

async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new VicinalError('IO_FAILED', `${path}: ${(cause as Error).message}`, { cause })
  }
}
