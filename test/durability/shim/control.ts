import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'

/** Kinds of calls that the shim counts and can fail; the order is that of `enum Kind` in shim.c. */
export const KINDS = [
  'open',
  'write',
  'truncate',
  'fsync',
  'rename',
  'link',
  'unlink',
  'mkdir',
  'rmdir',
  'copy',
] as const
export type Kind = (typeof KINDS)[number]

const FLAGS = { record: 1, budget: 2, noRealSync: 4, lieAboutSync: 8, holdLastWrite: 16 } as const
export type Flag = keyof typeof FLAGS

/** The effect of a struck call: a Linux errno, or writing only half of its bytes. */
const FAILURES = { EIO: 5, EMFILE: 24, ENOSPC: 28, shortWrite: -1 } as const
export type Failure = keyof typeof FAILURES

export interface Rule {
  kinds: readonly Kind[]
  /** 1: the first matching call from now on. */
  nth: number
  failure: Failure
  /** How many calls fail from the Nth on; default 1. */
  times?: number
  /** Only calls whose path contains this. */
  path?: string
}

export const FOR_EVER = 2 ** 40

// Positions of the 64-bit words of `Control` in shim.c.
const WORD = { flags: 0, kinds: 1, nth: 2, times: 3, errno: 4, matched: 5, injected: 6, budget: 7, refused: 8, seen: 9 }
const WORD_BYTES = 8
const FILTER_AT = 512
const SABOTAGE_FILTER_AT = 768
const FILTER_BYTES = 256
const CONTROL_BYTES = 4096

/**
 * The shim's control file, which the shim maps. The process under test or another one may use it at any time: words are
 * read and written atomically.
 */
export class ShimControl {
  readonly #fd: number

  constructor(readonly path: string) {
    this.#fd = openSync(path, 'r+')
  }

  static create(path: string): ShimControl {
    writeFileSync(path, Buffer.alloc(CONTROL_BYTES))
    return new ShimControl(path)
  }

  set(flags: readonly Flag[]): void {
    this.#write(
      WORD.flags,
      flags.reduce((bits, flag) => bits | FLAGS[flag], 0),
    )
  }

  /** Replaces the rule and restarts its counters. */
  fail(rule: Rule): void {
    this.#write(WORD.kinds, 0)
    this.#text(FILTER_AT, rule.path ?? '')
    this.#write(WORD.nth, rule.nth)
    this.#write(WORD.times, rule.times ?? 1)
    this.#write(WORD.errno, FAILURES[rule.failure])
    this.#write(WORD.matched, 0)
    this.#write(WORD.injected, 0)
    this.#write(
      WORD.kinds,
      rule.kinds.reduce((bits, kind) => bits | (1 << KINDS.indexOf(kind)), 0),
    )
  }

  /** Lets every call through again; the counters stay. */
  heal(): void {
    this.#write(WORD.kinds, 0)
  }

  /** The disk takes this many more bytes, then it is full. */
  limitBytes(bytes: number, also: readonly Flag[] = []): void {
    this.#write(WORD.budget, bytes)
    this.#write(WORD.refused, 0)
    this.set(['budget', ...also])
  }

  /** Breaks the promises for files whose path contains the text: syncs have no effect, or the last write is lost. */
  sabotage(how: 'lieAboutSync' | 'holdLastWrite', path: string, also: readonly Flag[] = []): void {
    this.#text(SABOTAGE_FILTER_AT, path)
    this.set([how, ...also])
  }

  get matched(): number {
    return this.#read(WORD.matched)
  }
  get injected(): number {
    return this.#read(WORD.injected)
  }
  get refused(): number {
    return this.#read(WORD.refused)
  }
  seen(kind: Kind): number {
    return this.#read(WORD.seen + KINDS.indexOf(kind))
  }

  close(): void {
    closeSync(this.#fd)
  }

  #read(word: number): number {
    const bytes = Buffer.alloc(WORD_BYTES)
    readSync(this.#fd, bytes, 0, WORD_BYTES, word * WORD_BYTES)
    return Number(bytes.readBigInt64LE())
  }

  #write(word: number, value: number): void {
    const bytes = Buffer.alloc(WORD_BYTES)
    bytes.writeBigInt64LE(BigInt(value))
    writeSync(this.#fd, bytes, 0, WORD_BYTES, word * WORD_BYTES)
  }

  #text(at: number, text: string): void {
    const bytes = Buffer.alloc(FILTER_BYTES)
    bytes.write(text, 'utf8')
    writeSync(this.#fd, bytes, 0, FILTER_BYTES, at)
  }
}
