import { join } from 'node:path'
import type { Operator } from 'opendal'
import { VicinalError } from '../core/errors.js'
import { requestFailure } from '../core/store-errors.js'
import type { StoreAddress } from './address.js'
import { storePackage } from './packages.js'

export interface StoredObject {
  path: string
  bytes: number
  /** By the store's clock, in milliseconds since 1970; null where the store does not say. */
  modifiedMs: number | null
}

/** Where a file store writes objects that then take their places by a rename: it would write them in place otherwise. */
const UNFINISHED = 'probe/unfinished'
/** Kinds of errors by which a store says that it has no such bytes. */
const ABSENT = new Set(['NotFound', 'RangeNotSatisfied'])
/** A store that is busy, or that answered nothing, is asked again so often. */
const RETRIES = 4
const RETRY_FIRST_MS = 200
/** A request, or a piece of one, that is not answered for so long has failed. Without this a silent store holds it for ever. */
const TIMEOUT_MS = 30_000

/** The objects below the store's address, by path. */
export class Objects {
  readonly #operator: Operator
  /** Asks once: a creation that is made again may find its own object. */
  readonly #once: Operator
  readonly #openWriter: () => Operator
  #writer: Operator | null = null

  private constructor(
    private readonly address: StoreAddress,
    once: Operator,
    operator: Operator,
    openWriter: () => Operator,
  ) {
    this.#once = once
    this.#operator = operator
    this.#openWriter = openWriter
  }

  /** Opened by the first write, so that a refused prefix of others gets no folder of unfinished objects. */
  get #writing(): Operator {
    this.#writer ??= this.#openWriter()
    return this.#writer
  }

  static async open(address: StoreAddress, timeoutMs = TIMEOUT_MS): Promise<Objects> {
    const { Operator, RetryLayer, TimeoutLayer } = await storePackage('opendal', () => import('opendal'))
    const kind = address.kind === 'file' ? 'fs' : 's3'
    const timeout = new TimeoutLayer()
    timeout.timeout = timeoutMs
    timeout.ioTimeout = timeoutMs
    const once = new Operator(kind, optionsOf(address)).layer(timeout.build())
    const whole = address.kind === 'file' ? { atomic_write_dir: join(address.folder, UNFINISHED) } : {}
    const retry = new RetryLayer()
    retry.maxTimes = RETRIES
    retry.minDelay = RETRY_FIRST_MS
    retry.jitter = true
    const operator = (more = {}) =>
      new Operator(kind, { ...optionsOf(address), ...more }).layer(timeout.build()).layer(retry.build())
    return new Objects(address, once, operator(), () => operator(whole))
  }

  /** Creates the object. False if one of this path was there. */
  async create(path: string, content: Uint8Array): Promise<boolean> {
    try {
      await this.#once.write(path, asBuffer(content), { ifNotExists: true })
      return true
    } catch (error) {
      if (kindOf(error) === 'ConditionNotMatch') return false
      throw this.#failure(error, 'create', path)
    }
  }

  /** Writes the object, whatever was there. A reader has the one before or all of this one. */
  async write(path: string, content: Uint8Array): Promise<void> {
    await this.#run('write', path, () => this.#writing.write(path, asBuffer(content)))
  }

  /** Writes an object piece by piece. It is there once all of it is. */
  async writePieces(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#run('write', path, async () => {
      const writer = await this.#writing.writer(path)
      for await (const piece of pieces) await writer.write(asBuffer(piece))
      await writer.close()
    })
  }

  /** Null if there is no such object. */
  async read(path: string): Promise<Uint8Array | null> {
    try {
      return await this.#operator.read(path)
    } catch (error) {
      if (kindOf(error) === 'NotFound') return null
      throw this.#failure(error, 'read', path)
    }
  }

  /** Rejects with CORRUPT, and `details`, if there is no such object, or not all of these bytes of it. */
  async readRange(
    path: string,
    { offset, bytes }: { offset: number; bytes: number },
    details: Record<string, unknown> = {},
  ): Promise<Uint8Array> {
    let read: Uint8Array
    try {
      read = await this.#operator.read(path, { offset: BigInt(offset), size: BigInt(bytes) })
    } catch (cause) {
      if (!ABSENT.has(kindOf(cause))) throw this.#failure(cause, 'read', path)
      read = new Uint8Array(0)
    }
    if (read.length === bytes) return read
    const message = `the store has ${read.length} of ${bytes} bytes of ${path} from ${offset}`
    throw new VicinalError('CORRUPT', message, { details })
  }

  /** All objects below a folder. The folder's path ends with a slash. */
  async list(folder: string): Promise<StoredObject[]> {
    const entries = await this.#run('list', folder, () => this.#operator.list(folder, { recursive: true }))
    return entries
      .filter((entry) => !entry.path().endsWith('/'))
      .map((entry) => {
        const { contentLength, lastModified } = entry.metadata()
        return {
          path: entry.path(),
          bytes: Number(contentLength ?? 0),
          modifiedMs: lastModified === null ? null : Date.parse(lastModified),
        }
      })
  }

  /** Removes the object, if there is one. */
  async remove(path: string): Promise<void> {
    await this.#run('remove', path, () => this.#operator.delete(path))
  }

  /** Removes everything below a folder. The folder's path ends with a slash. */
  async removeTree(folder: string): Promise<void> {
    await this.#run('remove', folder, () => this.#operator.removeAll(folder))
  }

  /** The cause is not kept: its text has the request and the answer, which may have a signature. */
  #failure(cause: unknown, action: string, path: string): VicinalError {
    if (cause instanceof VicinalError) return cause
    const reason = requestFailure((cause as Error).message)
    const what = `the store ${placeOf(this.address)} could not ${action} ${path}: ${kindOf(cause)}: ${reason}`
    return new VicinalError('UNAVAILABLE', what + unsetOf(this.address))
  }

  async #run<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#failure(error, action, path)
    }
  }
}

function optionsOf(address: StoreAddress): Record<string, string> {
  if (address.kind === 'file') return { root: address.folder }
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = address.access
  const given = {
    endpoint,
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
    session_token: sessionToken,
  }
  const set = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null)
  return {
    bucket: address.bucket,
    root: `/${address.prefix}`,
    region,
    // The keys that were given are the only ones: nothing is looked up in files or from the machine's provider.
    ...(accessKeyId === null ? {} : { disable_config_load: 'true', disable_ec2_metadata: 'true' }),
    ...Object.fromEntries(set),
  }
}

/** OpenDAL's errors have their kind at the beginning of the text alone. */
function kindOf(error: unknown): string {
  return /^\w+/.exec((error as Error).message)?.[0] ?? ''
}

/** The address of the store, and where its service is. */
function placeOf(address: StoreAddress): string {
  if (address.kind === 'file') return address.url
  const { endpoint, region } = address.access
  return `${address.url} at ${endpoint ? withoutUser(endpoint) : `AWS, region ${region}`}`
}

function withoutUser(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : 'AWS_ENDPOINT, which is no URL'
}

/** The variables without which most stores answer nothing. */
function unsetOf(address: StoreAddress): string {
  if (address.kind === 'file') return ''
  const { accessKeyId, secretAccessKey } = address.access
  const given = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  const unset = Object.keys(given).filter((name) => given[name as keyof typeof given] === null)
  return unset.length === 0 ? '' : ` (not set: ${unset.join(', ')})`
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
