import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ERROR_CATALOGUE, type ErrorCode, VicinalError } from '../core/errors.js'
import type { Addon } from './addon.js'

/** The version of the interface that this build uses, see `Addon.abi`. */
const ABI = 1
/** Where this module is in a package or a checkout; a bundle has it elsewhere, or does not say. */
const OWN_PLACE = /\/(?:dist|src)\/native\/load\.[jt]s$/
let loaded: Addon | undefined

/** The kernel: the binary built in this checkout, else the prebuilt one of the package. Loaded once, at first use. */
export function addon(): Addon {
  loaded ??= load()
  return loaded
}

function load(): Addon {
  const here = import.meta.url as string | undefined
  if (here === undefined || !OWN_PLACE.test(here)) throw new VicinalError('NATIVE_UNAVAILABLE', BUNDLED)
  const require = createRequire(here)
  const failures: string[] = []
  for (const file of candidates()) {
    let binary: Addon
    try {
      binary = require(file) as Addon
    } catch (error) {
      failures.push(`${file}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`)
      continue
    }
    if (binary.abi === ABI) return binary
    failures.push(`${file}: built for another version of vicinal (interface ${binary.abi}, expected ${ABI})`)
  }
  throw new VicinalError('NATIVE_UNAVAILABLE', unavailable(failures), { details: { platform: platformName() } })
}

/** Candidate files. Both are two folders up, from src/native in a checkout and from dist/native in a package. */
function candidates(): string[] {
  const root = new URL('../../', import.meta.url)
  return ['native/build/Release/vicinal.node', `prebuilds/${platformName()}/vicinal.node`].map((file) =>
    fileURLToPath(new URL(file, root)),
  )
}

function platformName(): string {
  const musl = process.platform === 'linux' && !isGlibc() ? '-musl' : ''
  return `${process.platform}-${process.arch}${musl}`
}

function isGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return report?.header?.glibcVersionRuntime !== undefined
}

const BUNDLED = [
  "Vicinal's native kernel cannot be loaded from a bundle, which has the code of the package without its files.",
  'Leave the package external, and install it beside the bundle:',
  "  - esbuild, rolldown, rollup, vite and webpack: `external` (vite: `ssr.external`, webpack: `externals`) with 'vicinal'",
  "  - Next.js: `serverExternalPackages: ['vicinal']`",
].join('\n')

function unavailable(failures: string[]): string {
  return [
    `Vicinal's native kernel cannot be loaded on ${platformName()} (Node ${process.version}).`,
    ...failures.map((failure) => `  - ${failure}`),
    'There is a prebuilt kernel for linux-x64. Elsewhere build it once: install a C++20 compiler (g++ 12 or clang 15),',
    "make and Python 3, then run `npx node-gyp rebuild -C native` in the package's folder.",
  ].join('\n')
}

/** Converts an error of the kernel. It has a `code` of the catalogue; any other error is a bug of ours. */
export function toVicinalError(cause: unknown): VicinalError {
  if (cause instanceof VicinalError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const { code, wantedBytes } = (cause ?? {}) as { code?: unknown; wantedBytes?: unknown }
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code)
  const details = wantedBytes === undefined ? {} : { wantedBytes }
  return new VicinalError(known ? (code as ErrorCode) : 'INTERNAL', message, { cause, details })
}

export function rethrow(cause: unknown): never {
  throw toVicinalError(cause)
}
