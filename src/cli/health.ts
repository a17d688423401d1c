import { get } from 'node:http'
import { get as getSecurely } from 'node:https'
import { isIPv6 } from 'node:net'
import { UsageError } from '../terminal/usage-error.js'
import { parseSettings } from './parse-settings.js'
import { SERVE_SETTINGS } from './settings.js'

const TIMEOUT_MS = 2_500
const OK = 200
/** Addresses that mean all interfaces, and the address at which such a service can be reached locally. */
const OWN_ADDRESS: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Checks whether the service with the same settings is alive, for the health check of a container. */
export async function health(args: string[]): Promise<number> {
  const settings = parseSettings(SERVE_SETTINGS, args)
  if (settings.files.length > 0) throw new UsageError(`health: takes no files, got ${settings.files.join(' ')}`)
  const listened = settings.text('host') as string
  const host = OWN_ADDRESS[listened] ?? listened
  const isSecure = settings.text('tlsCert') !== undefined
  const url = `${isSecure ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${settings.integer('port')}/healthz`
  const trouble = await asked(url, isSecure)
  if (trouble === null) return 0
  process.stderr.write(`vicinal: ${url}: ${trouble}\n`)
  return 1
}

/** null if the service is alive; else the reason. */
function asked(url: string, isSecure: boolean): Promise<string | null> {
  // The request carries no secret. The certificate may be self-signed, or made out to another name than this address.
  const options = { timeout: TIMEOUT_MS, rejectUnauthorized: false, agent: false as const }
  return new Promise((resolve) => {
    const sent = (isSecure ? getSecurely : get)(url, options, (answer) => {
      answer.resume()
      resolve(answer.statusCode === OK ? null : `expected status ${OK}, got ${answer.statusCode}`)
    })
    sent.on('error', ({ message }) => resolve(message))
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
  })
}
