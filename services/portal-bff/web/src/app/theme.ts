import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** The one accent, amber; text on it is dark. */
const amber: MantineColorsTuple = [
  '#fff7e8',
  '#fdebc8',
  '#fadb9c',
  '#f6ca70',
  '#f2bb52',
  '#f0b04a',
  '#d99628',
  '#b0761a',
  '#855704',
  '#5f3d00',
];

/** Neutral greys; Mantine takes 7 as the body of the dark scheme. */
const dark: MantineColorsTuple = [
  '#e8e9eb',
  '#b4b6bb',
  '#9a9da3',
  '#75787f',
  '#3b3e44',
  '#26282c',
  '#1b1d20',
  '#151618',
  '#101113',
  '#0b0c0d',
];

export const theme = createTheme({
  primaryColor: 'amber',
  primaryShade: { light: 5, dark: 5 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  colors: { amber, dark },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  headings: { fontFamily: "'Inter Variable', system-ui, sans-serif", fontWeight: '600' },
  defaultRadius: 'sm',
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '12px', xl: '16px' },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: false, color: 'dark.5', fz: 'xs' } },
    SegmentedControl: {
      defaultProps: { size: 'xs' },
      vars: () => ({ root: { '--sc-padding': '4px 11px', '--sc-font-size': '13px' } }),
    },
    InputWrapper: { styles: { description: { fontSize: 12 }, error: { fontSize: 12 } } },
  },
});
