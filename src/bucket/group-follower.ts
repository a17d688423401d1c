import type { Followed } from '../log/log-follower.js'
import type { LogEntry } from '../log/record.js'
import { whereOf } from './group-log.js'
import type { GroupReader } from './group-reader.js'
import { firstSeqOf, recordsKey, recordsOf } from './keys.js'
import { decodeRecords } from './records.js'

/** Bytes of records that one poll returns, about; the rest comes with the next poll. */
const POLL_BYTES = 16 * 1024 * 1024

/** Reads the log of a collection that another node owns. */
export class GroupFollower {
  readonly #reader: Pick<GroupReader, 'scan'>
  readonly #uuid: string
  readonly #flushedSeq: () => Promise<number>
  #from: Uint8Array
  #nextSeq: number

  /** Returns records after `afterSeq`; `flushedSeq` reads how many of them are in the table by now. */
  constructor(reader: Pick<GroupReader, 'scan'>, uuid: string, afterSeq: number, flushedSeq: () => Promise<number>) {
    this.#reader = reader
    this.#uuid = uuid
    this.#flushedSeq = flushedSeq
    // The first records may be in the middle of a value.
    this.#from = recordsOf(uuid)
    this.#nextSeq = afterSeq + 1
  }

  get seq(): number {
    return this.#nextSeq - 1
  }

  async poll(): Promise<Followed> {
    const entries: LogEntry[] = []
    let bytes = 0
    for await (const [key, value] of this.#reader.scan(recordsOf(this.#uuid), this.#from)) {
      const firstSeq = firstSeqOf(key)
      const found = decodeRecords(firstSeq, value, whereOf(this.#uuid, firstSeq)).filter(
        ({ seq }) => seq >= this.#nextSeq,
      )
      if (found.length === 0) continue
      // The records in between are in the table, and left the log.
      if (firstSeq > this.#nextSeq) return { state: 'reload' }
      entries.push(...found)
      this.#nextSeq += found.length
      this.#from = recordsKey(this.#uuid, this.#nextSeq)
      bytes += value.byteLength
      if (bytes >= POLL_BYTES) return { state: 'entries', entries, isPart: true }
    }
    if (entries.length === 0 && (await this.#flushedSeq()) >= this.#nextSeq) return { state: 'reload' }
    return { state: 'entries', entries }
  }

  async close(): Promise<void> {}
}
