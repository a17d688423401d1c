import { VicinalError } from '../core/errors.js'
import type { CallTracing, Tracing } from '../core/tracing.js'
import { workTimes } from '../core/work-times.js'

const PACKAGES = [
  '@opentelemetry/api@^1.9',
  '@opentelemetry/sdk-trace-base@^2.12',
  '@opentelemetry/resources@^2.12',
  '@opentelemetry/exporter-trace-otlp-http@^0.223',
]

/** Whether the OTEL_ variables ask for traces. */
export function asksForTraces(environment: NodeJS.ProcessEnv = process.env): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = environment
  const isOff = environment.OTEL_SDK_DISABLED === 'true' || environment.OTEL_TRACES_EXPORTER === 'none'
  return Boolean(all || own) && !isOff
}

/**
 * Traces of this thread's work, sent to the endpoint of the OTEL_ variables. Rejects with NATIVE_UNAVAILABLE, saying what to
 * install, and with INVALID_ARGUMENT for a protocol that is not spoken.
 */
export async function openTracing(version: string): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: own, OTEL_EXPORTER_OTLP_PROTOCOL: all } = process.env
  const protocol = own ?? all ?? 'http/json'
  if (protocol !== 'http/json') {
    const variable = own === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    throw new VicinalError('INVALID_ARGUMENT', `${variable}: expected http/json, got ${protocol}`)
  }
  const { OtlpTracing } = await import('./otlp.js').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const what = `traces need packages of OpenTelemetry: npm install ${PACKAGES.join(' ')} (${reason})`
    throw new VicinalError('NATIVE_UNAVAILABLE', what, { cause })
  })
  const tracing = new OtlpTracing(version)
  workTimes.listeners.add((work) => tracing.done(work))
  return tracing
}

/** Spans of the library's calls, by a tracer of OpenTelemetry. Rejects with NATIVE_UNAVAILABLE, saying what to install. */
export async function traceCalls(tracer: object): Promise<CallTracing> {
  const { TracerOfCalls } = await import('./calls.js').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new VicinalError('NATIVE_UNAVAILABLE', `tracer: spans need npm install ${PACKAGES[0]} (${reason})`, { cause })
  })
  return new TracerOfCalls(tracer as ConstructorParameters<typeof TracerOfCalls>[0])
}
