import type { ReactNode, SVGProps } from 'react';

type IconProps = SVGProps<SVGSVGElement> & { size?: number };

function icon(name: string, paths: ReactNode) {
  // biome-ignore lint/correctness/noComponentHookFactories: called once for each icon, when the module loads
  function Icon({ size = 18, ...rest }: IconProps) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth={1.75}
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        {...rest}
      >
        {paths}
      </svg>
    );
  }
  Icon.displayName = name;
  return Icon;
}

/** The icons of the portal, drawn on a grid of 24 with one weight of line. */
export const Icons = {
  Jobs: icon(
    'Jobs',
    <>
      <path d="M4 6h10M4 12h16M4 18h7" />
      <path d="m16 17 2 2 4-4.5" />
    </>,
  ),
  Library: icon(
    'Library',
    <>
      <rect x="3" y="5" width="18" height="14" rx="2" />
      <path d="M8 5v14M16 5v14M3 9.7h5M3 14.3h5M16 9.7h5M16 14.3h5" />
    </>,
  ),
  Plus: icon('Plus', <path d="M12 5v14M5 12h14" />),
  Search: icon(
    'Search',
    <>
      <circle cx="10.5" cy="10.5" r="6.5" />
      <path d="m20 20-4.8-4.8" />
    </>,
  ),
  Copy: icon(
    'Copy',
    <>
      <rect x="9" y="9" width="11" height="11" rx="2" />
      <path d="M15 5.5A1.5 1.5 0 0 0 13.5 4h-8A1.5 1.5 0 0 0 4 5.5v8A1.5 1.5 0 0 0 5.5 15" />
    </>,
  ),
  Check: icon('Check', <path d="m5 12.5 4.5 4.5L19 7" />),
  Cross: icon('Cross', <path d="m6 6 12 12M18 6 6 18" />),
  Chevron: icon('Chevron', <path d="m9 6 6 6-6 6" />),
  Down: icon('Down', <path d="m6 9 6 6 6-6" />),
  Retry: icon(
    'Retry',
    <>
      <path d="M4.5 12a7.5 7.5 0 1 1 2.2 5.3" />
      <path d="M4 18.5V14h4.5" />
    </>,
  ),
  Upload: icon(
    'Upload',
    <path d="M12 16V4M7 9l5-5 5 5M4 16v3a1.5 1.5 0 0 0 1.5 1.5h13A1.5 1.5 0 0 0 20 19v-3" />,
  ),
  Download: icon(
    'Download',
    <path d="M12 4v12M7 11l5 5 5-5M4 16v3a1.5 1.5 0 0 0 1.5 1.5h13A1.5 1.5 0 0 0 20 19v-3" />,
  ),
  Link: icon(
    'Link',
    <path d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17" />,
  ),
  Alert: icon(
    'Alert',
    <path d="M12 8.5v4.5M12 16.5v.1M10.3 4.2 2.8 17.4A2 2 0 0 0 4.5 20.4h15a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z" />,
  ),
  Sun: icon(
    'Sun',
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1" />
    </>,
  ),
  Moon: icon('Moon', <path d="M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2Z" />),
  User: icon(
    'User',
    <>
      <circle cx="12" cy="8" r="3.5" />
      <path d="M5 20c.6-3.6 3.4-5.5 7-5.5s6.4 1.9 7 5.5" />
    </>,
  ),
  Video: icon(
    'Video',
    <>
      <rect x="3" y="6" width="12.5" height="12" rx="2" />
      <path d="m15.5 11 5.5-3v8l-5.5-3" />
    </>,
  ),
  Audio: icon('Audio', <path d="M4 10v4M8 7v10M12 4v16M16 8v8M20 10.5v3" />),
  Multi: icon(
    'Multi',
    <>
      <rect x="3.5" y="8.5" width="12" height="11" rx="2" />
      <path d="M8.5 5.5A1.5 1.5 0 0 1 10 4h9a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 19 16" />
    </>,
  ),
  Data: icon(
    'Data',
    <path d="M9 4c-3 0-2 3.5-2 5.5S6 12 4.5 12C6 12 7 12.5 7 14.5S6 20 9 20M15 4c3 0 2 3.5 2 5.5s1 2.5 2.5 2.5c-1.5 0-2.5.5-2.5 2.5s1 5.5-2 5.5" />,
  ),
  Play: icon('Play', <path d="M8 5.5v13l10.5-6.5Z" fill="currentColor" />),
  Pause: icon('Pause', <path d="M8.5 5.5v13M15.5 5.5v13" strokeWidth={3} />),
  StepBack: icon('StepBack', <path d="M17 6v12l-8-6ZM6.5 6v12" />),
  StepForward: icon('StepForward', <path d="M7 6v12l8-6ZM17.5 6v12" />),
  Volume: icon(
    'Volume',
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.7 7.7 0 0 1 0 11" />,
  ),
  Muted: icon('Muted', <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM16 9.5l5 5M21 9.5l-5 5" />),
  Full: icon(
    'Full',
    <path d="M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9M15 4h3.5A1.5 1.5 0 0 1 20 5.5V9M20 15v3.5a1.5 1.5 0 0 1-1.5 1.5H15M9 20H5.5A1.5 1.5 0 0 1 4 18.5V15" />,
  ),
  Help: icon('Help', <path d="M9 9a3 3 0 1 1 4.3 2.7c-.9.5-1.3 1-1.3 2.1M12 17.5v.1" />),
  File: icon(
    'File',
    <path d="M13.5 3.5H7A1.5 1.5 0 0 0 5.5 5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5Zm0 0v5h5" />,
  ),
} as const;
