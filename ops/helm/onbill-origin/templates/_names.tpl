{{- define "onbill-origin.name" -}}
{{ printf "%s-onbill-origin" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "onbill-origin.selectorLabels" -}}
app.kubernetes.io/name: onbill-origin
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "onbill-origin.labels" -}}
{{ include "onbill-origin.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
