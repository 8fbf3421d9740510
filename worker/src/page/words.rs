//! What the small pages say, in every language that the widget speaks. The frame's own words are in
//! `widget/locales/`.

use onbill_domain::locale::Locale;

/// What there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sentence {
    /// This operator does not sell that, or there is no such operator.
    NotOffered,
    /// The page around the frame is not one of the operator's, or embeds it wrongly.
    NotSetUp,
    /// The way back from the partner leads nowhere any more.
    LinkOver,
    /// Somebody behind us does not answer.
    Unavailable,
    /// Too many calls from this address.
    TooMany,
}

/// The heading and the sentence under it.
pub(super) fn words(sentence: Sentence, locale: Locale) -> (&'static str, &'static str) {
    use Locale::{Ar, De, En, Es, Fr};
    use Sentence::{LinkOver, NotOffered, NotSetUp, TooMany, Unavailable};
    match (sentence, locale) {
        (NotOffered, En) => (
            "This is not available here",
            "Paying for this on your phone bill is not offered at the moment. Your operator can tell you more.",
        ),
        (NotOffered, Es) => (
            "No está disponible aquí",
            "Por ahora no se puede pagar esto con la factura del móvil. Su operador puede darle más información.",
        ),
        (NotOffered, Fr) => (
            "Ceci n’est pas disponible ici",
            "Le paiement sur la facture mobile n’est pas proposé pour le moment. Votre opérateur peut vous en dire plus.",
        ),
        (NotOffered, De) => (
            "Hier nicht verfügbar",
            "Die Zahlung über die Mobilfunkrechnung wird dafür zurzeit nicht angeboten. Ihr Anbieter kann Ihnen mehr sagen.",
        ),
        (NotOffered, Ar) => (
            "هذا غير متاح هنا",
            "الدفع مقابل هذه الخدمة عبر فاتورة الهاتف غير متاح حاليًا. يمكن لمشغّل شبكتك إفادتك بالمزيد.",
        ),
        (NotSetUp, En) => (
            "This page is not set up for this",
            "Please go back to your operator’s website and start again from there.",
        ),
        (NotSetUp, Es) => (
            "Esta página no está preparada para esto",
            "Vuelva al sitio web de su operador y empiece de nuevo desde allí.",
        ),
        (NotSetUp, Fr) => (
            "Cette page n’est pas prévue pour cela",
            "Veuillez retourner sur le site de votre opérateur et recommencer à partir de là.",
        ),
        (NotSetUp, De) => (
            "Diese Seite ist dafür nicht eingerichtet",
            "Bitte gehen Sie zurück zur Website Ihres Anbieters und beginnen Sie dort noch einmal.",
        ),
        (NotSetUp, Ar) => {
            ("هذه الصفحة غير مُعدّة لذلك", "يُرجى العودة إلى موقع مشغّل شبكتك والبدء من جديد من هناك.")
        }
        (LinkOver, En) => (
            "This link no longer works",
            "Please go back to your operator’s website. If you finished your sign-up, it is safe.",
        ),
        (LinkOver, Es) => (
            "Este enlace ya no funciona",
            "Vuelva al sitio web de su operador. Si terminó el registro, no se ha perdido nada.",
        ),
        (LinkOver, Fr) => (
            "Ce lien ne fonctionne plus",
            "Veuillez retourner sur le site de votre opérateur. Si vous avez terminé votre inscription, rien n’est perdu.",
        ),
        (LinkOver, De) => (
            "Dieser Link funktioniert nicht mehr",
            "Bitte gehen Sie zurück zur Website Ihres Anbieters. Wenn Sie die Anmeldung abgeschlossen haben, ist nichts verloren.",
        ),
        (LinkOver, Ar) => (
            "لم يعد هذا الرابط يعمل",
            "يُرجى العودة إلى موقع مشغّل شبكتك. إذا كنت قد أكملت التسجيل فلن يضيع شيء.",
        ),
        (Unavailable, En) => (
            "We cannot reach your operator",
            "Sorry, your operator’s systems are not answering at the moment. Nothing is lost: please try again shortly.",
        ),
        (Unavailable, Es) => (
            "No podemos conectar con su operador",
            "Lo sentimos, los sistemas de su operador no responden en este momento. No se ha perdido nada: inténtelo de nuevo en unos instantes.",
        ),
        (Unavailable, Fr) => (
            "Votre opérateur est injoignable",
            "Désolé, les systèmes de votre opérateur ne répondent pas pour le moment. Rien n’est perdu\u{a0}: veuillez réessayer dans un instant.",
        ),
        (Unavailable, De) => (
            "Ihr Anbieter ist nicht erreichbar",
            "Die Systeme Ihres Anbieters antworten gerade nicht. Es ist nichts verloren: Bitte versuchen Sie es gleich noch einmal.",
        ),
        (Unavailable, Ar) => (
            "تعذّر الوصول إلى مشغّل شبكتك",
            "عذرًا، أنظمة مشغّل شبكتك لا تستجيب في الوقت الحالي. لم يضِع شيء: يُرجى المحاولة مرة أخرى بعد قليل.",
        ),
        (TooMany, En) => {
            ("One moment, please", "There were too many requests. Please try again in a minute.")
        }
        (TooMany, Es) => {
            ("Un momento, por favor", "Ha habido demasiadas solicitudes. Inténtelo de nuevo en un minuto.")
        }
        (TooMany, Fr) => {
            ("Un instant, s’il vous plaît", "Il y a eu trop de demandes. Veuillez réessayer dans une minute.")
        }
        (TooMany, De) => (
            "Einen Moment bitte",
            "Es waren zu viele Anfragen. Bitte versuchen Sie es in einer Minute noch einmal.",
        ),
        (TooMany, Ar) => ("لحظة من فضلك", "كان هناك عدد كبير من الطلبات. يُرجى المحاولة مرة أخرى بعد دقيقة."),
    }
}

/// The words on the link to the same page.
pub(super) fn again(locale: Locale) -> &'static str {
    match locale {
        Locale::En => "Try again",
        Locale::Es => "Intentarlo de nuevo",
        Locale::Fr => "Réessayer",
        Locale::De => "Erneut versuchen",
        Locale::Ar => "إعادة المحاولة",
    }
}
