/** Quantities for people: three digits and a unit, always of the same few shapes, so that columns align. */

/** 1,234,567. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replaceAll(/\B(?=(?:[0-9]{3})+$)/g, ',');
}

/** 850ns, 12.3µs, 4.56ms, 1.20s, 2m05s, 3h07m; `-` when there is none. */
export function formatDuration(nanos: number | undefined): string {
  if (nanos === undefined || !Number.isFinite(nanos) || nanos < 0) return '-';
  if (nanos < 999.5) return `${Math.round(nanos)}ns`;
  if (nanos < 999_500) return `${threeDigits(nanos / 1e3)}µs`;
  if (nanos < 999_500_000) return `${threeDigits(nanos / 1e6)}ms`;
  if (nanos < 59_950_000_000) return `${threeDigits(nanos / 1e9)}s`;
  const seconds = Math.round(nanos / 1e9);
  const pad = (part: number): string => String(part).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${pad(Math.floor((seconds % 3600) / 60))}m`;
}

/** 0/s, 0.25/s, 12.5/s, 1.20k/s, 3.40M/s. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond) || perSecond <= 0) return '0/s';
  if (perSecond < 999.5) return `${threeDigits(perSecond)}/s`;
  if (perSecond < 999_500) return `${threeDigits(perSecond / 1e3)}k/s`;
  return `${threeDigits(perSecond / 1e6)}M/s`;
}

/** 512 B, 1.50 KiB, 12.3 MiB, 4.00 GiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let value = bytes;
  let unit = 'B';
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']) {
    if (value < 1023.5) break;
    value /= 1024;
    unit = next;
  }
  return `${threeDigits(value)} ${unit}`;
}

/** 0%, 0.03%, 1.5%, 100%; never 0% for what is more than nothing, nor 100% for less than all. */
export function formatShare(share: number): string {
  if (!(share > 0)) return '0%';
  if (share >= 1) return '100%';
  const percent = share * 100;
  if (percent < 0.01) return '<0.01%';
  if (percent > 99.9) return '>99.9%';
  return percent < 1 ? `${Number(percent.toFixed(2))}%` : `${Number(percent.toFixed(1))}%`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
