import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../child.js'

const FOLDER = join(REPOSITORY, 'test/durability/shim')
const UNITS = ['shim.c', 'names.c', 'system_call.c', 'fault_trace.c']
const HEADERS = ['shim.h', 'system_call.h', 'fault_trace.h']
const SOURCES = [...UNITS, ...HEADERS].map((file) => join(FOLDER, file))
const CACHE = join(REPOSITORY, '.cache/shim')

/** Compiles the shim with the machine's C compiler, once for each state of its sources. */
export function buildShim(): string {
  const hash = createHash('sha256')
  for (const source of SOURCES) hash.update(readFileSync(source))
  const library = join(CACHE, `${hash.digest('hex').slice(0, 16)}.so`)
  if (existsSync(library)) return library
  mkdirSync(CACHE, { recursive: true })
  const fresh = `${library}.${process.pid}`
  const units = SOURCES.filter((source) => source.endsWith('.c'))
  execFileSync('cc', [
    '-std=gnu11',
    '-O2',
    '-fPIC',
    '-shared',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    fresh,
    ...units,
    '-ldl',
    '-lpthread',
  ])
  renameSync(fresh, library)
  return library
}

export interface ShimPlace {
  /** The shim affects only files below this folder, which must exist. */
  root: string
  control: string
  trace?: string
  marks?: string
}

/** The environment of a process whose file calls go through the shim. */
export function shimEnvironment(place: ShimPlace): Record<string, string> {
  return {
    LD_PRELOAD: buildShim(),
    // Otherwise libuv would write with io_uring, past libc.
    UV_USE_IO_URING: '0',
    VICINAL_SHIM_ROOT: place.root,
    VICINAL_SHIM_CONTROL: place.control,
    ...(place.trace === undefined ? {} : { VICINAL_SHIM_TRACE: place.trace }),
    ...(place.marks === undefined ? {} : { VICINAL_SHIM_MARKS: place.marks }),
  }
}
