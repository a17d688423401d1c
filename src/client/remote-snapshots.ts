import { randomUUID } from 'node:crypto'
import { CallOptions } from '../core/call-options.js'
import { givenIfAny } from '../core/given-options.js'
import {
  type CollectionSnapshots,
  RecoverOptions,
  type SnapshotData,
  type SnapshotDescription,
  SnapshotRecovery,
  type SnapshotSource,
} from '../core/snapshots.js'
import { read } from '../core/vocabulary/reader.js'
import { tell } from '../core/vocabulary/teller.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import type { Transport } from './transport.js'

interface WireSnapshot {
  name: string
  creation_time: string
  size: number
  checksum: string
}

/** Snapshots of one collection of a service, or of its whole database, depending on `path`. */
export class RemoteSnapshots implements CollectionSnapshots {
  readonly #transport: Transport
  readonly #path: string

  constructor(transport: Transport, path: string) {
    this.#transport = transport
    this.#path = path
  }

  async create(call?: CallOptions): Promise<SnapshotDescription> {
    // A repeated request after a lost answer would make two snapshots.
    const request = { method: 'POST', path: this.#path, ...long(call), isIdempotent: false } as const
    return descriptionOf(await this.#transport.send(request))
  }

  async list(call?: CallOptions): Promise<SnapshotDescription[]> {
    const found = await this.#transport.send({ method: 'GET', path: this.#path, ...long(call) })
    return (found as WireSnapshot[]).map(descriptionOf)
  }

  async delete(name: string, call?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#pathOf(name), ...long(call), isIdempotent: false })
  }

  async read(name: string, call?: CallOptions): Promise<SnapshotData> {
    const answer = await this.#transport.stream({ method: 'GET', path: this.#pathOf(name), ...long(call) })
    return { name, bytes: Number(answer.headers['content-length']), chunks: answer }
  }

  /** For a collection only; a whole database has no such path. */
  async stream(call?: CallOptions): Promise<SnapshotData> {
    const path = this.#path.replace(/snapshots$/, 'shards/0/snapshot')
    const answer = await this.#transport.stream({ method: 'GET', path, ...long(call) })
    const [, name = ''] = /filename="([^"]*)"/.exec(answer.headers['content-disposition'] ?? '') ?? []
    return { name, bytes: Number(answer.headers['content-length']), chunks: answer }
  }

  async recover(source: SnapshotSource, options?: RecoverOptions): Promise<void> {
    const { checksum, priority, replace, ...call } = givenIfAny(RecoverOptions, options)
    if (source !== null && typeof source === 'object' && 'chunks' in source) {
      const query = new URLSearchParams()
      if (checksum) query.set('checksum', checksum)
      if (priority) query.set('priority', priority)
      if (replace !== undefined) query.set('replace', String(replace))
      const boundary = `vicinal-${randomUUID()}`
      const answer = await this.#transport.stream({
        method: 'POST',
        path: `${this.#path}/upload?${query}`,
        call,
        isLong: true,
        upload: { type: `multipart/form-data; boundary=${boundary}`, chunks: formOf(source.chunks, boundary) },
      })
      answer.resume()
      return
    }
    const recovery = { ...source, checksum, priority, replace }
    const body = encodeRequest(tell(SnapshotRecovery, read(SnapshotRecovery, recovery, 'library', 'source')))
    const request = { method: 'PUT', path: `${this.#path}/recover`, body, call, isLong: true } as const
    await this.#transport.send({ ...request, isIdempotent: false })
  }

  #pathOf(name: string): string {
    return `${this.#path}/${encodeURIComponent(name)}`
  }
}

/** Snapshots take as long as they take. */
function long(call: CallOptions | undefined) {
  return { call: givenIfAny(CallOptions, call), isLong: true } as const
}

function descriptionOf(wire: unknown): SnapshotDescription {
  const { name, creation_time: time, size: bytes, checksum } = wire as WireSnapshot
  return { name, creationTime: `${time}Z`, bytes, checksum }
}

async function* formOf(chunks: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Uint8Array> {
  const disposition = 'Content-Disposition: form-data; name="snapshot"; filename="snapshot"'
  yield Buffer.from(`--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`)
  yield* chunks
  yield Buffer.from(`\r\n--${boundary}--\r\n`)
}
