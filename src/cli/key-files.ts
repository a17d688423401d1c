/**
 * The keys of the service: read from the environment once, and from files again whenever these change. Files are polled
 * every two seconds instead of watched. A watcher misses changes of a bind mount and of a Kubernetes secret (a swapped
 * link).
 */
import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Mutex } from '../core/mutex.js'
import type { Server } from '../server/app.js'
import type { Keys } from '../server/auth.js'
import { keysIn, readKeys } from './parse-settings.js'

const LOOK_EVERY_MS = 2_000
/** A changed file may be half written, so it counts once it has stayed the same for this long. */
const SETTLED_MS = 250
const MOST_FILE_BYTES = 1024 * 1024
/** A shorter key can be guessed, all the more from its digest. */
const LEAST_KEY_LENGTH = 16
const READ_BY_OTHERS = 0o044

/** The source of keys: an environment variable, a file, or both. */
export interface KeyOrigin {
  inline: string | undefined
  file: string | undefined
  variable: string
}

type Log = Server['log']

export class KeyFiles {
  readonly #write: KeySource
  readonly #read: KeySource
  readonly #timer: NodeJS.Timeout
  #server: Pick<Server, 'log' | 'replaceKeys'> | null = null
  readonly #looking = new Mutex()
  readonly #onHangup = () => void this.#look(true)

  /** Throws if a file cannot be read or holds no key. From then on SIGHUP makes the files be read again. */
  constructor(apiKeys: KeyOrigin, readOnlyApiKeys: KeyOrigin) {
    this.#write = new KeySource(apiKeys)
    this.#read = new KeySource(readOnlyApiKeys)
    this.#timer = setInterval(() => void this.#look(false), LOOK_EVERY_MS).unref()
    process.on('SIGHUP', this.#onHangup)
  }

  get current(): Keys {
    return { apiKeys: this.#write.keys, readOnlyApiKeys: this.#read.keys }
  }

  /** Gives the keys to the server, now and after each change. */
  async serve(server: Pick<Server, 'log' | 'replaceKeys'>): Promise<void> {
    this.#server = server
    server.replaceKeys(this.current)
    for (const source of this.#sources) await source.warn(server.log)
  }

  close(): void {
    clearInterval(this.#timer)
    process.off('SIGHUP', this.#onHangup)
  }

  get #sources(): readonly KeySource[] {
    return [this.#write, this.#read]
  }

  /** Looks run one after the other, so the last one sees everything written before it was asked for. */
  #look(isAsked: boolean): Promise<void> {
    return this.#looking.run(() => this.#lookOnce(isAsked))
  }

  async #lookOnce(isAsked: boolean): Promise<void> {
    const server = this.#server
    if (!server) return
    const { log } = server
    const changed: KeySource[] = []
    for (const source of this.#sources) if (await source.readAgain(log)) changed.push(source)
    if (isAsked || changed.length > 0) {
      const { apiKeys, readOnlyApiKeys } = this.current
      const files = changed.map(({ file }) => file)
      const facts = { changed: files, apiKeys: apiKeys.length, readOnlyApiKeys: readOnlyApiKeys.length }
      log.info(facts, 'API key files were read again')
    }
    if (changed.length > 0) server.replaceKeys(this.current)
    for (const source of changed) await source.warn(log)
  }
}

class KeySource {
  readonly #origin: KeyOrigin
  #keys: string[]
  /** The file's text when its keys were taken; null before the first reread. */
  #text: string | null = null
  /** Why the file cannot be used now. Its earlier keys stay valid. */
  #trouble: string | null = null

  constructor(origin: KeyOrigin) {
    this.#origin = origin
    this.#keys = readKeys(origin.inline, origin.file)
  }

  get keys(): readonly string[] {
    return this.#keys
  }

  get file(): string | undefined {
    return this.#origin.file
  }

  /** Whether the file's keys have changed. */
  async readAgain(log: Log): Promise<boolean> {
    const { file, inline } = this.#origin
    if (file === undefined) return false
    try {
      // A pipe (`<(…)` in a shell) can be read only once; opening it again would block for ever.
      if (!(await stat(file)).isFile()) return false
      const text = await readText(file)
      if (text !== this.#text) {
        await sleep(SETTLED_MS)
        if ((await readText(file)) !== text) return false
        if (keysIn(undefined, text).length === 0) throw new Error('no key in it')
      }
      if (this.#trouble !== null) log.info({ file }, 'API key file is usable again')
      this.#trouble = null
      this.#text = text
      const keys = keysIn(inline, text)
      const isSame = keys.length === this.#keys.length && keys.every((key, i) => key === this.#keys[i])
      this.#keys = keys
      return !isSame
    } catch (error) {
      const trouble = (error as Error).message
      if (trouble !== this.#trouble)
        log.error({ file, reason: trouble }, 'API key file cannot be used: its earlier keys stay valid')
      this.#trouble = trouble
      return false
    }
  }

  async warn(log: Log): Promise<void> {
    const { file, variable } = this.#origin
    const short = this.#keys.filter((key) => key.length < LEAST_KEY_LENGTH).length
    const from = file ?? variable
    if (short > 0) log.warn({ from, short }, `API keys: expected at least ${LEAST_KEY_LENGTH} characters each`)
    // Windows has no such modes.
    if (file === undefined || process.platform === 'win32') return
    const mode = await stat(file).then(
      (found) => found.mode & 0o777,
      () => 0,
    )
    if ((mode & READ_BY_OTHERS) !== 0) {
      log.warn({ file, mode: mode.toString(8) }, 'API key file is readable by other users; run chmod 600 on it')
    }
  }
}

/** Reads at most MOST_FILE_BYTES, because the path may be a device or a growing file. */
async function readText(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_FILE_BYTES + 1), 0, MOST_FILE_BYTES + 1, 0)
    if (bytesRead > MOST_FILE_BYTES) throw new Error(`expected at most ${MOST_FILE_BYTES} bytes`)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
