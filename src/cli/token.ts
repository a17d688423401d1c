import { UsageError } from '../terminal/usage-error.js'
import { parseSettings, readKeys } from './parse-settings.js'
import { TOKEN_SETTINGS } from './settings.js'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }
const MS_PER_S = 1_000

/** Prints a token that the API key has signed. No service is asked. */
export async function token(args: string[]): Promise<number> {
  const settings = parseSettings(TOKEN_SETTINGS, args)
  if (settings.files.length > 0) throw new UsageError(`token: takes no files, got ${settings.files.join(' ')}`)
  const { canSign, LEAST_TOKEN_KEY_BYTES } = await import('../server/tokens.js')
  const key = readKeys(settings.text('apiKey'), settings.text('apiKeyFile')).find(canSign)
  if (key === undefined) {
    throw new UsageError(
      `token: expected an API key of at least ${LEAST_TOKEN_KEY_BYTES} bytes in VICINAL_API_KEY or --api-key-file`,
    )
  }
  const expires = settings.text('expires')
  const subject = settings.text('subject')
  const claims = {
    access: await accessOf(settings.text('access'), settings.list('collection')),
    ...(expires === undefined ? {} : { exp: Math.floor(Date.now() / MS_PER_S) + secondsOf(expires) }),
    ...(subject === undefined ? {} : { sub: subject }),
  }
  const { SignJWT } = await import('jose')
  const signed = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(key))
  process.stdout.write(`${signed}\n`)
  return 0
}

async function accessOf(mode: string | undefined, collections: readonly string[]): Promise<unknown> {
  const { COLLECTION_MODES, GLOBAL_MODES } = await import('../server/rights.js')
  const modes: readonly string[] = collections.length > 0 ? COLLECTION_MODES : GLOBAL_MODES
  if (mode === undefined || !modes.includes(mode)) {
    const where = collections.length > 0 ? 'with' : 'without'
    throw new UsageError(`--access: expected ${modes.join(', ')} ${where} --collection, got ${mode ?? 'none'}`)
  }
  if (collections.length === 0) return mode
  return [...new Set(collections)].map((collection) => ({ collection, access: mode }))
}

function secondsOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (count === undefined) throw new UsageError(`--expires: expected a time such as 30m, 1h or 7d, got ${text}`)
  return Number(count) * (SECONDS[unit] as number)
}
