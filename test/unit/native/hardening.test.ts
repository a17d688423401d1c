import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ADDON = join(import.meta.dirname, '../../../native/build/Release/vicinal.node')

/** Constants of the ELF format, and of its x86-64 extensions. */
const PT = { dynamic: 2, note: 4, stack: 0x6474e551, relro: 0x6474e552 }
const EXECUTABLE = 1
const DT = { needed: 1, strtab: 5, strsz: 10, bindNow: 24, flags: 30, flags1: 0x6ffffffb }
const NOW = { flags: 8, flags1: 1 }
const NOTE_PROPERTY = 5
const X86_FEATURES = 0xc0000002
const SHSTK = 2
/** `endbr64`, a valid target of indirect jumps. */
const LANDING = Buffer.from([0xf3, 0x0f, 0x1e, 0xfa])

interface Segment {
  type: number
  flags: number
  offset: number
  address: number
  bytes: number
  align: number
}

/** The parts of a 64-bit little-endian ELF file that show how it was built. */
class Elf {
  readonly #file: Buffer
  readonly segments: Segment[] = []

  constructor(path: string) {
    this.#file = readFileSync(path)
    expect(this.#file.subarray(0, 6).toString('latin1')).toBe('\x7fELF\x02\x01')
    const [first, size, count] = [this.#word(32), this.#file.readUInt16LE(54), this.#file.readUInt16LE(56)]
    for (let at = first; at < first + size * count; at += size)
      this.segments.push({
        type: this.#file.readUInt32LE(at),
        flags: this.#file.readUInt32LE(at + 4),
        offset: this.#word(at + 8),
        address: this.#word(at + 16),
        bytes: this.#word(at + 32),
        align: this.#word(at + 48),
      })
  }

  #word(at: number): number {
    return Number(this.#file.readBigUInt64LE(at))
  }

  of(type: number): Segment[] {
    return this.segments.filter((segment) => segment.type === type)
  }

  /** The last value of each tag. */
  dynamic(): Map<number, number> {
    const found = new Map<number, number>()
    for (const { offset, bytes } of this.of(PT.dynamic))
      for (let at = offset; at < offset + bytes; at += 16) found.set(this.#word(at), this.#word(at + 8))
    return found
  }

  /** Names of imported and exported symbols, concatenated. */
  names(): string {
    const tags = this.dynamic()
    const address = tags.get(DT.strtab) ?? 0
    const home = this.segments.find(
      ({ type, address: from, bytes }) => type === 1 && address >= from && address < from + bytes,
    )
    const at = address - (home?.address ?? 0) + (home?.offset ?? 0)
    return this.#file.subarray(at, at + (tags.get(DT.strsz) ?? 0)).toString('latin1')
  }

  /** Number of valid jump targets in its code. */
  landings(): number {
    let found = 0
    for (const { flags, offset, bytes } of this.segments.filter(({ type }) => type === 1)) {
      if ((flags & EXECUTABLE) === 0) continue
      const code = this.#file.subarray(offset, offset + bytes)
      for (let at = code.indexOf(LANDING); at >= 0; at = code.indexOf(LANDING, at + 4)) found++
    }
    return found
  }

  /** Bits of a property of the code, 0 if it has none. */
  property(wanted: number): number {
    for (const { offset, bytes, align } of this.of(PT.note)) {
      for (let at = offset; at < offset + bytes; ) {
        const [name, length, type] = [0, 4, 8].map((field) => this.#file.readUInt32LE(at + field)) as [
          number,
          number,
          number,
        ]
        const from = at + 12 + Math.ceil(name / 4) * 4
        at = from + Math.ceil(length / align) * align
        if (type !== NOTE_PROPERTY) continue
        for (let property = from; property < from + length; ) {
          const size = this.#file.readUInt32LE(property + 4)
          if (this.#file.readUInt32LE(property) === wanted) return this.#file.readUInt32LE(property + 8)
          property += 8 + Math.ceil(size / 8) * 8
        }
      }
    }
    return 0
  }
}

test.runIf(process.platform === 'linux')('the addon is built so that an error in it is hard to make use of', () => {
  const elf = new Elf(ADDON)
  const tags = elf.dynamic()
  // The linker's tables are read-only, because all symbols are resolved at the start.
  expect(elf.of(PT.relro)).toHaveLength(1)
  const isBoundNow =
    tags.has(DT.bindNow) ||
    ((tags.get(DT.flags) ?? 0) & NOW.flags) !== 0 ||
    ((tags.get(DT.flags1) ?? 0) & NOW.flags1) !== 0
  expect(isBoundNow).toBe(true)
  expect(elf.of(PT.stack).map(({ flags }) => flags & EXECUTABLE)).toEqual([0])
  // An overwritten stack frame is detected when its function returns.
  expect(elf.names()).toContain('__stack_chk_fail')
  // The lengths of copies are checked if the compiler knows the destination's size; musl has no such functions.
  const hasGlibc = Buffer.from(elf.names(), 'latin1').includes('GLIBC_')
  if (hasGlibc) expect(elf.names()).toMatch(/__\w+_chk\0/)
  // Returns must lead back to their call and jumps to valid targets, on processors and systems that check it.
  if (process.arch !== 'x64') return
  expect(elf.property(X86_FEATURES) & SHSTK).toBe(SHSTK)
  expect(elf.landings()).toBeGreaterThan(1_000)
})
